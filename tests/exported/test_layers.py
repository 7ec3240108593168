"""Ordinary layers need no trust: the dense ones of torch.nn and torch are on the list, and bounded by shapes."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (as everyone calls it)
from torch import nn

from didlearn.models import open_model
from tests.exported.test_archive import export

pytestmark = pytest.mark.filterwarnings("ignore")


class All(nn.Module):
    """Pixels that are what parts give for an image of 4 x 8 x 8 between 0 and 1, each shrunk to one number."""

    def __init__(self, parts):
        super().__init__()
        self.start, self.parts = nn.Linear(6, 256), parts
        self.modules_of = nn.ModuleList(part for part in parts if isinstance(part, nn.Module))

    def forward(self, z):
        # Arcs, and whole numbers used as an index, know nothing beyond; to export a step takes tens of milliseconds.
        x = torch.sigmoid(self.start(z)).clamp(0.02, 0.98).view(-1, 4, 8, 8)
        told = torch.stack([part(x).to(x.dtype).flatten(1).mean(1) for part in self.parts], 1)
        return F.pad(told, (0, 64 - len(self.parts))).view(-1, 1, 8, 8)


class On(nn.Module):
    """A layer of sequences or of volumes, shown the image as one."""

    def __init__(self, layer, shape):
        super().__init__()
        self.layer, self.shape = layer, shape

    def forward(self, x):
        return self.layer(x.reshape(x.shape[0], *self.shape))


def flat(layer):
    return On(layer, (4, 64))


def deep(layer):
    return On(layer, (4, 4, 4, 4))


ACTIVATIONS = [
    nn.ELU(), nn.Hardshrink(), nn.Hardsigmoid(), nn.Hardtanh(), nn.Hardswish(), nn.LeakyReLU(), nn.LogSigmoid(),
    nn.PReLU(), nn.ReLU(), nn.ReLU(inplace=False), nn.ReLU6(), nn.RReLU(), nn.SELU(), nn.CELU(), nn.GELU(),
    nn.GELU("tanh"), nn.Sigmoid(), nn.SiLU(), nn.Mish(), nn.Softplus(), nn.Softshrink(), nn.Softsign(), nn.Tanh(),
    nn.Tanhshrink(), nn.Threshold(0.1, 2.0), nn.GLU(1), nn.Softmin(1), nn.Softmax(1), nn.Softmax2d(), nn.LogSoftmax(1),
    nn.Dropout(), nn.Dropout2d(), nn.AlphaDropout(), nn.FeatureAlphaDropout(),
]  # fmt: skip
NORMS = [
    nn.BatchNorm2d(4), flat(nn.BatchNorm1d(4)), deep(nn.BatchNorm3d(4)), nn.GroupNorm(2, 4), nn.LayerNorm([4, 8, 8]),
    nn.InstanceNorm2d(4, affine=True), flat(nn.InstanceNorm1d(4)), deep(nn.InstanceNorm3d(4)), nn.RMSNorm(8),
    nn.LocalResponseNorm(2), nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 4, 1)),
    nn.utils.parametrizations.spectral_norm(nn.Conv2d(4, 4, 1)),
]  # fmt: skip
LAYERS = [
    nn.Conv2d(4, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, padding="same"), nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
    nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"), flat(nn.Conv1d(4, 4, 3)), deep(nn.Conv3d(4, 2, 3)),
    flat(nn.Conv1d(4, 4, 3, padding="same")), deep(nn.Conv3d(4, 2, 3, padding="same")),
    nn.ConvTranspose2d(4, 4, 4, 2, 1), flat(nn.ConvTranspose1d(4, 4, 4, 2, 1)), deep(nn.ConvTranspose3d(4, 2, 2, 2)),
    nn.AvgPool2d(2), flat(nn.AvgPool1d(2)), deep(nn.AvgPool3d(2)), nn.MaxPool2d(2), flat(nn.MaxPool1d(2)),
    deep(nn.MaxPool3d(2)), nn.AdaptiveAvgPool2d(3), flat(nn.AdaptiveAvgPool1d(3)), deep(nn.AdaptiveAvgPool3d(3)),
    nn.AdaptiveMaxPool2d(3), flat(nn.AdaptiveMaxPool1d(3)), deep(nn.AdaptiveMaxPool3d(3)), nn.LPPool2d(2, 2),
    nn.PixelShuffle(2), nn.PixelUnshuffle(2), nn.ChannelShuffle(2), nn.ReflectionPad2d(1), nn.ReplicationPad2d(1),
    nn.ZeroPad2d(1), nn.ConstantPad2d(1, 2.0), nn.CircularPad2d(1), nn.Flatten(), nn.Unfold(3), nn.Linear(8, 3),
    On(nn.Bilinear(64, 64, 3), (4, 64)), On(nn.MultiheadAttention(64, 2, batch_first=True), (4, 64)),
    On(nn.TransformerEncoderLayer(64, 2, 32, batch_first=True), (4, 64)),
]  # fmt: skip
LAYERS[-3].forward = lambda x: nn.Bilinear.forward(LAYERS[-3].layer, *[x.flatten(2)] * 2)
LAYERS[-2].forward = lambda x: LAYERS[-2].layer(*[x.flatten(2)] * 3)[0]
RESIZED = [
    *[nn.Upsample(scale_factor=2, mode=mode) for mode in ("nearest", "nearest-exact", "bilinear", "bicubic")],
    *[flat(nn.Upsample(scale_factor=2, mode=mode)) for mode in ("nearest", "nearest-exact", "linear")],
    *[deep(nn.Upsample(scale_factor=2, mode=mode)) for mode in ("nearest", "nearest-exact", "trilinear")],
    lambda x: F.interpolate(x, size=(5, 5), mode="area"),
    lambda x: F.interpolate(x, size=(5, 5), mode="bilinear", antialias=True),
    lambda x: F.grid_sample(x, F.affine_grid(torch.eye(2, 3).expand(x.shape[0], 2, 3), list(x.shape))),
]


def assigned(x):
    y = torch.zeros_like(x)
    y[..., :4] = x[..., :4]
    return y


CALLS = [
    lambda x: torch.clip(x, 0, 1) + x.nan_to_num() + x.isnan() + x.isinf() + x.isfinite() + x.sign() + x.sgn(),
    lambda x: x // 0.5 + x % 0.3 + torch.div(x, 0.3, rounding_mode="floor") + torch.fmod(x, 0.2),
    lambda x: x + (torch.arange(8, device=x.device) // 2 % 3),
    lambda x: x * (~(x > 0.5) & (x < 0.9) | (x > 0.95)) + torch.logical_xor(x > 0.2, x > 0.4),
    lambda x: torch.var_mean(x, (2, 3), keepdim=True)[1] + torch.std_mean(x)[1] + torch.var(x, 1, keepdim=True),
    lambda x: torch.std(x, unbiased=False) + x.std((2, 3), keepdim=True) + x.var() + x.amax((2, 3), keepdim=True) + x,
    lambda x: assigned(x) + torch.empty_like(x).fill_(1.0) + x.new_tensor([1.0]) + x.new_zeros(1) + x.clone().zero_(),
    lambda x: torch.broadcast_to(x[:, :1], x.shape) + torch.broadcast_tensors(x, x[:, :1])[1],
    lambda x: torch.hstack([x, x]) + torch.cat([x, x], 1),
    lambda x: torch.vstack([x, x])[: x.shape[0]] + torch.dstack([x, x]).sum(2, keepdim=True),
    lambda x: torch.atan(x) + torch.asin(x) + torch.acos(x) + torch.erfc(x) + torch.asinh(x) + torch.atan2(x, x + 1),
    lambda x: torch.special.expit(x) + torch.logit(x.clamp(0.1, 0.9)) + torch.sinc(x) + torch.lerp(x, x * 2, 0.3),
    lambda x: x.cumprod(-1) + x.cumsum(1) + torch.logsumexp(x, 1, keepdim=True) + torch.logaddexp(x, x),
    lambda x: x / torch.linalg.norm(x, dim=(2, 3), keepdim=True) + F.normalize(x, dim=1) + x.norm(),
    lambda x: x.rot90(1, (2, 3)) + x.flip(2) + x.roll(1, 3) + x.mT + x.fliplr() + x.swapaxes(2, 3),
    lambda x: x.sort(-1)[0] + x.topk(8, -1)[0] + x.argsort(-1) + x.median(-1, keepdim=True)[0] + x.argmax(1, True),
    lambda x: x @ x.mT + torch.einsum("bchw,bcvw->bchv", x, x) + torch.matmul(x, x),
    lambda x: torch.where(x > 0.5, x, 0.0) + x.masked_fill(x > 0.5, 0.1) + torch.maximum(x, x * 2) + x.copysign(x),
    lambda x: torch.cosine_similarity(x, x + 1).sum(1) + F.pairwise_distance(x, x + 1).sum(1),
    lambda x: (x * 1).sigmoid_() + (x * 1).tanh_() + (x * 1).add_(1).mul_(2).clamp_(0, 1) + (x * 1).relu_(),
    lambda x: torch.stack(x.unbind(1), 1) + torch.cat(x.chunk(2, 1), 1) + torch.cat(x.split(1, 1), 1),
    lambda x: (
        x.repeat(1, 1, 2, 1)[:, :, :8] + x.tile(1)[..., :8] + x.repeat_interleave(2, 3)[..., :8] + x.movedim(2, 3)
    ),
    lambda x: F.pad(x, (1, 1, 1, 1), mode="reflect")[..., 1:9, 1:9] + F.one_hot(x.long()[:, 0], 8)[:, None].sum(-2),
]


KINDS = {"activations": ACTIVATIONS, "norms": NORMS, "layers": LAYERS, "resized": RESIZED, "calls": CALLS}


@pytest.mark.parametrize("parts", KINDS.values(), ids=KINDS)
def test_ordinary_layers_open_without_trust(tmp_path, parts):
    net = All(parts).eval()
    path = export(net, tmp_path / "net.pt2", torch.zeros(3, 6))
    model, z = open_model(path, value_range=None, latent_shape=6), torch.randn(5, 6)
    # Of a batch size that was not tried, so that it is told from its shapes first.
    torch.testing.assert_close(model.decode(z), net(z).detach())
