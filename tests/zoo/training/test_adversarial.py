import pytest
import torch

from didlearn.zoo.mix_dcgan import unevenness
from didlearn.zoo.training.adversarial import slope
from didlearn.zoo.training.networks import Critic, JointCritic, initialise
from tests.zoo.tiny import BATCH, Bench


class Linear(torch.nn.Module):
    """A critic of known slope everywhere."""

    def __init__(self, length):
        super().__init__()
        direction = torch.randn(64, generator=torch.Generator().manual_seed(0))
        self.direction = torch.nn.Parameter(length * direction / direction.norm())

    def forward(self, x):
        return (x.flatten(1) @ self.direction)[:, None]


def test_slope_is_the_squared_norm_of_each_image_s_gradient():
    x = torch.randn(5, 1, 8, 8, requires_grad=True)
    critic = Linear(3.0)
    found = slope(critic(x) ** 2, x)
    torch.testing.assert_close(found, (2 * critic(x)[:, 0] * 3) ** 2, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("length", "penalty"), [(1.0, 0.0), (3.0, 4.0), (0.5, 0.25)])
def test_wgan_gp_s_penalty_is_zero_at_slope_one(length, penalty):
    bench = Bench("wgan-gp", critic_steps=1, penalty=10.0)
    training = bench.training
    training.critic = Linear(length)
    training.optimizers["critic"] = torch.optim.SGD(training.critic.parameters(), 0.0)
    source = bench.source(0)
    x, z = source.real().images, source.normal(BATCH, 4)
    gap = (training.critic(training.generator(z)) - training.critic(x)).mean()
    loss = training._critic_step(bench.source(0))
    assert (loss - gap).item() == pytest.approx(10 * penalty, abs=1e-4)


def test_a_small_average_follows_and_is_what_is_saved():
    bench = Bench("r3gan", average=0.5)
    training = bench.training
    assert training.product() is training.average.network
    assert Bench("dcgan").training.product() is not None
    moved = [
        (a - g).abs().max()
        for a, g in zip(training.average.network.parameters(), training.generator.parameters(), strict=True)
    ]
    assert max(moved) > 0
    assert {id(p) for p in training.average.network.parameters()}.isdisjoint(
        id(p) for o in training.optimizers.values() for g in o.param_groups for p in g["params"]
    )


def test_the_mixture_s_regulariser_is_least_at_equal_weights():
    equal = torch.zeros(4, requires_grad=True)
    least = unevenness(equal)
    assert least.item() == pytest.approx(torch.tensor(4.0).log().item())
    (gradient,) = torch.autograd.grad(least, equal)
    assert gradient.abs().max() < 1e-7
    for seed in range(5):
        other = torch.randn(4, generator=torch.Generator().manual_seed(seed))
        assert unevenness(other) > least
        by_hand = -torch.log(other.exp() / other.exp().sum()).sum() / 4
        assert unevenness(other).item() == pytest.approx(by_hand.item(), rel=1e-5)


def test_entropy_holds_weights_together():
    """Pushed apart, weights come back the more the larger the regulariser is."""
    left = []
    bench = Bench("mix-dcgan")
    for entropy in (0.0, 5.0):
        training = Bench("mix-dcgan", entropy=entropy).training
        with torch.no_grad():
            training.mixture.logits.copy_(torch.tensor([2.0, -2.0]))
        optimizer = training.optimizers["mixture"]
        optimizer.param_groups[0]["lr"] = 0.05
        for step in range(25):
            training.step(bench.source(step))
        left.append((training.mixture.logits[0] - training.mixture.logits[1]).item())
    assert left[1] < left[0] - 0.4


def test_critics_are_as_wide_as_they_are_told():
    for width in (2, 5):
        channels = [
            m.out_channels for m in Critic((1, 28, 28), width, "batch").modules() if isinstance(m, torch.nn.Conv2d)
        ]
        assert channels == [width, 2 * width, 4 * width, 8 * width]
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in Critic((1, 28, 28), 2, "none").modules())
    assert JointCritic((3, 8, 8), 6, 2)(torch.zeros(3, 3, 8, 8), torch.zeros(3, 6)).shape == (3, 1)
    assert Critic((1, 8, 8), 2, "batch", 5)(torch.zeros(3, 1, 8, 8)).shape == (3, 5)


def test_weights_are_drawn_from_the_generator_alone():
    def drawn(seed, spread=0.02):
        critic = Critic((1, 28, 28), 16, "batch")
        initialise(critic, torch.Generator().manual_seed(seed), spread)
        return critic

    one, other = drawn(0), drawn(0)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    layers = [m for m in one.modules() if isinstance(m, torch.nn.Conv2d)]
    assert layers[2].weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert all((m.bias == 0).all() for m in layers)
    wide = [m for m in drawn(0, None).modules() if isinstance(m, torch.nn.Conv2d)][2]
    assert wide.weight.std().item() == pytest.approx((2 / wide.weight[0].numel()) ** 0.5, rel=0.05)
    norms = [m for m in one.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms[-1].weight.mean().item() == pytest.approx(1, abs=0.02)
