"""What a file of a stranger may call, and what becomes of a program that would do harm with it."""

import signal

import pytest
import torch
from torch import nn

from didlearn.errors import ModelError, TrustError
from didlearn.exported import trial
from didlearn.exported.operators import _GUARDED, ALLOWED, allowed_operator
from didlearn.models import open_model
from tests.exported.test_archive import edited, export

pytestmark = pytest.mark.filterwarnings("ignore")


class Of(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.layer, self.function = nn.Linear(4, 64), function

    def forward(self, z):
        return torch.sigmoid(self.layer(z) + self.function(z)).view(-1, 1, 8, 8)


def sparse(z):
    index = torch.full([1, 1], 1 << 28, dtype=torch.long)
    return torch.ops.aten._sparse_coo_tensor_unsafe(index, torch.full([1], 0.5), [4]).to_dense().sum() + 0 * z.sum()


def test_no_allowed_operator_takes_a_file_or_an_address():
    for name in sorted(ALLOWED | set(_GUARDED)):
        function = allowed_operator(*name.split("."))
        # Not every point-wise operator can work in place.
        assert function is not None or "_." in name, name
        schema = getattr(function, "_schema", None)
        taken = {argument.name: str(argument.type) for argument in schema.arguments} if schema else {}
        assert not {"filename", "storage", "unsafe", "storage_offset"} & set(taken), name
        assert not any("Storage" in kind for kind in taken.values()), name


@pytest.mark.parametrize(
    "name",
    [
        "from_file.default", "save.default", "as_strided.default", "resize_.default",
        "set_.source_Storage_storage_offset",
        "_unsafe_index.Tensor", "_index_put_impl_.default", "_sparse_coo_tensor_unsafe.default", "to_sparse.default",
        "native_group_norm.default", "view.dtype", "_embedding_bag.default", "max_unpool2d.default", "lstm.data",
        "nonzero.default", "masked_select.default", "repeat_interleave.Tensor", "empty.memory_format", "item.default",
    ],
)  # fmt: skip
def test_what_reaches_beyond_its_tensors_is_not_allowed(name):
    assert allowed_operator(*name.split(".")) is None


def test_sparse_tensors_are_refused_by_name(tmp_path):
    with pytest.raises(TrustError, match=r"a call of torch\.ops\.aten\._?\w*sparse.*trust_code=True"):
        open_model(export(Of(sparse), tmp_path / "s.pt2", torch.zeros(2, 4), dynamic=False), value_range=(0, 1))


INDICES = {
    "embedding": lambda i: torch.nn.functional.embedding(i, torch.ones(4, 64)),
    "index": lambda i: torch.ones(4, 64)[i],
    "index_select": lambda i: torch.ones(4, 64).index_select(0, i),
    "gather": lambda i: torch.ones(4, 64).gather(0, i[:, None]),
    "one_hot": lambda i: torch.nn.functional.one_hot(i, 64).float(),
}


@pytest.mark.parametrize("far", [1 << 28, 64, -70])
@pytest.mark.parametrize("take", INDICES.values(), ids=INDICES)
def test_an_index_beyond_its_tensor_ends_in_a_sentence(tmp_path, take, far):
    function = Of(lambda z: take((z[:, 0] * 0).to(torch.long) + torch.full((2,), 0)))
    path = export(function, tmp_path / "i.pt2", torch.zeros(2, 4), dynamic=False)

    def move(program):
        for node in program["graph_module"]["graph"]["nodes"]:
            if node["target"] == "torch.ops.aten.full.default":
                node["inputs"][1]["arg"] = {"as_int": far}

    with pytest.raises(ModelError, match=r"an index from|IndexError"):
        open_model(edited(path, tmp_path / "far.pt2", move), value_range=(0, 1))


def test_guarded_operators_give_what_torch_gives():
    x, index = torch.randn(5, 6), torch.tensor([3, 0, 4])
    query, key, value = torch.randn(2, 3, 5, 4), torch.randn(2, 3, 7, 4), torch.randn(2, 3, 7, 6)
    cases = {
        "embedding.default": (x, index),
        "index.Tensor": (x, [None, index]),
        "index_select.default": (x, 1, index),
        "gather.default": (x, 1, index[:, None]),
        "one_hot.default": (index, 6),
        "_weight_norm.default": (x, torch.randn(5, 1), 0),
        "scaled_dot_product_attention.default": (query, key, value, torch.randn(5, 7), 0.0, False),
    }
    assert set(cases) == set(_GUARDED)
    for name, arguments in cases.items():
        packet, overload = name.split(".")
        torch.testing.assert_close(
            allowed_operator(packet, overload)(*arguments),
            getattr(getattr(torch.ops.aten, packet), overload)(*arguments),
        )


def test_what_fills_the_memory_is_not_opened(tmp_path):
    path = export(
        Of(lambda z: z.sum() * 0 + torch.zeros(8).sum()), tmp_path / "m.pt2", torch.zeros(2, 4), dynamic=False
    )

    def grow(program):
        for node in program["graph_module"]["graph"]["nodes"]:
            if node["target"] == "torch.ops.aten.zeros.default":
                node["inputs"][0]["arg"] = {"as_ints": [1 << 34]}

    with pytest.raises(ModelError, match=r"took more than \d+ MiB of memory when it was tried in a process of its own"):
        open_model(edited(path, tmp_path / "big.pt2", grow), value_range=(0, 1))


def test_what_takes_too_long_or_crashes_is_said(tmp_path, monkeypatch):
    def crashes(_):
        signal.raise_signal(signal.SIGSEGV)

    monkeypatch.setattr(trial, "_run", crashes)
    assert trial._tried("x", 2**30, 20) == "crashed (SIGSEGV)"
    monkeypatch.setattr(trial, "_run", lambda _: signal.pause())
    assert trial._tried("x", 2**30, 0.2) == "took more than 0.2 seconds"
    monkeypatch.setattr(trial, "_run", lambda _: 1 / 0)
    assert trial._tried("x", 2**30, 20) == ""
    path = export(Of(lambda z: z.sum() * 0), tmp_path / "t.pt2", torch.zeros(2, 4))
    monkeypatch.setattr(trial, "SECONDS", 0.0)
    with pytest.raises(ModelError, match=r"took more than 0 seconds .*trust_code=True"):
        open_model(path, value_range=(0, 1))
    assert open_model(path, value_range=(0, 1), trust_code=True).image_shape == (1, 8, 8)


def test_the_process_of_trials_is_begun_again_when_it_was_ended(tmp_path):
    path = export(Of(lambda z: z.sum() * 0), tmp_path / "t.pt2", torch.zeros(2, 4))
    trial.try_out(path)
    process = trial._server._process
    assert process is not None
    process.kill()
    process.wait()
    trial.try_out(path)


def test_weights_that_make_much_of_little_are_refused(tmp_path):
    path = export(Of(lambda z: z.sum() * 0), tmp_path / "w.pt2", torch.zeros(2, 4))

    def stretch(config):
        meta = next(iter(config["config"].values()))["tensor_meta"]
        meta["sizes"] = [{"as_int": 1 << 40} for _ in meta["sizes"]]
        meta["strides"] = [{"as_int": 0} for _ in meta["strides"]]

    with pytest.raises(ModelError, match=r"a weight of shape .* from"):
        open_model(edited(path, tmp_path / "wide.pt2", stretch, "model_weights_config.json"))
