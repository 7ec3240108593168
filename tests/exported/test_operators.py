"""What a file of a stranger may call, and what becomes of a program that would do harm with it."""

import copy

import pytest
import torch
from torch import nn

from didlearn.errors import ModelError, TrustError
from didlearn.exported.graph import _function
from didlearn.exported.guards import GUARDED
from didlearn.exported.operators import ALLOWED, allowed_operator
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
    for name in sorted(ALLOWED | set(GUARDED)):
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
        "nonzero.default", "masked_select.default", "upsample_nearest2d.default",
        "repeat_interleave.Tensor", "empty.memory_format", "item.default",
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
        "grid_sampler.default": (torch.randn(2, 1, 4, 4), torch.rand(2, 3, 3, 2), 0, 1, False),
        "unbind.int": (x, 1),
        "split.Tensor": (x, 2),
        "chunk.default": (x, 2),
    }
    for place in ("", "_"):
        first = "Tensor" if place else "default"
        cases |= {f"floor_divide{place}.{first}": (x, x + 9), f"floor_divide{place}.Scalar": (index, 2)}
        for name in (f"{kind}{place}" for kind in ("fmod", "remainder")):
            cases |= {f"{name}.Tensor": (index, index + 1), f"{name}.Scalar": (x, -2.0)}
    assert set(cases) | {name for name in GUARDED if name.startswith("div")} | {"empty_like.default"} == set(GUARDED)
    for name, arguments in cases.items():
        packet, overload = name.split(".")
        ours, theirs = copy.deepcopy(arguments), copy.deepcopy(arguments)
        torch.testing.assert_close(
            allowed_operator(packet, overload)(*ours), getattr(getattr(torch.ops.aten, packet), overload)(*theirs)
        )


def test_whole_numbers_are_not_divided_by_minus_one():
    lowest = torch.full((3,), -(2**63))
    for name in GUARDED:
        packet, overload = name.split(".")
        if packet.rstrip("_") not in ("div", "floor_divide", "fmod", "remainder"):
            continue
        by = -1 if overload.startswith("Scalar") else torch.full((3,), -1)
        named = {"rounding_mode": "trunc"} if packet.startswith("div") else {}
        with pytest.raises(ArithmeticError, match="whole numbers divided"):
            allowed_operator(packet, overload)(lowest.clone(), by, **named)
    divide = allowed_operator("div", "Tensor_mode")
    torch.testing.assert_close(
        divide(torch.tensor([7.0]), torch.tensor([-2.0]), rounding_mode="floor"), torch.tensor([-4.0])
    )


@pytest.mark.parametrize("wrong", [torch.full((3,), -(2**63)), "%1000000000d", [1, 2], None])
def test_arithmetic_of_sizes_takes_numbers_alone(wrong):
    with pytest.raises(TypeError, match="of what is no number"):
        _function("_operator.mod")(wrong, 3)
    assert _function("_operator.mod")(7, 3) == 1


def test_a_tensor_is_not_cut_into_millions_of_pieces():
    wide = torch.zeros(1).expand(2**26)
    for name, arguments in {"unbind.int": (), "split.Tensor": (1,), "chunk.default": (2**25,)}.items():
        with pytest.raises(ValueError, match="pieces"):
            allowed_operator(*name.split("."))(wide, *arguments)


def test_no_memory_is_shown_as_it_was_found():
    torch.testing.assert_close(allowed_operator("empty_like", "default")(torch.ones(1000)), torch.zeros(1000))
    with pytest.raises(ValueError, match="no mode 7"):
        allowed_operator("grid_sampler", "default")(torch.zeros(1, 1, 2, 2), torch.zeros(1, 2, 2, 2), 7, 0, False)


def test_weights_that_make_much_of_little_are_refused(tmp_path):
    path = export(Of(lambda z: z.sum() * 0), tmp_path / "w.pt2", torch.zeros(2, 4))

    def stretch(config):
        meta = next(iter(config["config"].values()))["tensor_meta"]
        meta["sizes"] = [{"as_int": 1 << 40} for _ in meta["sizes"]]
        meta["strides"] = [{"as_int": 0} for _ in meta["strides"]]

    with pytest.raises(ModelError, match=r"a weight of shape .* from"):
        open_model(edited(path, tmp_path / "wide.pt2", stretch, "model_weights_config.json"))
