"""Every operator against the cases that the standard itself publishes."""

import sys
import warnings
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from didlearn.models.onnx.graph import OnnxNet
from didlearn.models.onnx.registry import OPERATORS, UnknownOperatorError

NOISE = {"RandomNormalLike", "RandomUniformLike"}
TYPES = {np.dtype(name) for name in ("float32", "float64", "int32", "int64", "bool")}
# Over no numbers at all, which no generator asks for; the others say that they are not known.
LEFT_OUT = {"test_reduce_max_empty_set", "test_reduce_min_empty_set", "test_reduce_max_empty_set_bool"}


@cache
def cases():
    from onnx.backend.test.case import base
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        # The source of each case, for the documentation; and a second of sums for an operator that is not known here.
        patch.setattr(base, "process_snippet", lambda *_: ("", ""))
        assert "LpPool" not in OPERATORS
        patch.setitem(sys.modules, "onnx.backend.test.case.node.lppool", ModuleType("lppool"))
        found = load_model_tests(kind="node")
    return [case for case in found if case.model is not None and usable(case)]


def usable(case):
    nodes = {node.op_type for node in case.model.graph.node}
    inputs, outputs = case.data_sets[0]
    arrays = all(isinstance(value, np.ndarray) and value.dtype in TYPES for value in [*inputs, outputs[0]])
    return bool(nodes) and nodes <= set(OPERATORS) - NOISE and arrays and inputs and case.name not in LEFT_OUT


def test_the_published_cases():
    ran, wrong, unknown = set(), [], []
    for case in cases():
        inputs, (expected, *_) = case.data_sets[0]
        try:
            net = OnnxNet(case.model, Path())
            got = net(*(torch.from_numpy(np.array(value)) for value in inputs)).numpy()
        except UnknownOperatorError:
            unknown.append(case.name)
            continue
        ran |= {node.op_type for node in case.model.graph.node}
        same = got.shape == expected.shape and got.dtype == expected.dtype
        if not (same and np.allclose(got, expected, rtol=1e-4, atol=1e-5, equal_nan=True)):
            wrong.append(case.name)
    assert wrong == []
    assert len(unknown) < 60  # forms of an operator that are refused by name, and left to onnxruntime
    assert set(OPERATORS) - ran == NOISE


@pytest.mark.parametrize("name", sorted(NOISE))
def test_noise_is_torch_s_own_and_seeded(name):
    x = torch.zeros(2000, 2)
    attributes = {"op": name, "mean": 1.0, "scale": 0.5, "low": 0.0, "high": 2.0}
    torch.manual_seed(3)
    first = OPERATORS[name]([x], attributes)
    torch.manual_seed(3)
    again = OPERATORS[name]([x], attributes)
    assert torch.equal(first, again)  # type: ignore[arg-type]
    assert abs(float(first.mean()) - 1) < 5 * float(first.std()) / 4000**0.5  # type: ignore[attr-defined]
