"""What becomes of a program that would do harm with what it may call, whatever the size of its batch."""

import signal

import pytest
import torch

from didlearn.errors import ModelError, TrustError
from didlearn.exported import trial
from didlearn.exported.archive import read_exported
from didlearn.models import open_model
from tests.exported.test_archive import edited, export
from tests.exported.test_operators import Of

pytestmark = pytest.mark.filterwarnings("ignore")


def sixth_power(z):
    n = z.shape[0]
    return torch.zeros(n * n * n * n * n * n).sum() * 0


@pytest.fixture(scope="module")
def growing(tmp_path_factory):
    """Take 256 bytes for two inputs, and 4 GiB for 32."""
    return export(Of(sixth_power), tmp_path_factory.mktemp("growing") / "g.pt2", torch.zeros(3, 4))


def test_memory_that_grows_faster_than_the_batch_is_refused(growing):
    with pytest.raises(ModelError, match=r"took more than 1\d\d\d MiB of memory on 32 inputs .*trust_code=True"):
        open_model(growing, value_range=(0, 1))


def test_a_batch_that_was_not_tried_is_told_from_its_shapes(growing):
    network = read_exported(growing, (2, 4))
    assert network(torch.zeros(5, 4)).shape == (5, 1, 8, 8)
    with pytest.raises(OverflowError, match="numbers for each input"):
        network(torch.zeros(100, 4))


def test_a_failure_on_two_inputs_hides_nothing(tmp_path):
    net, sizes = Of(lambda z: z.narrow(0, 0, 3).sum() * 0 + sixth_power(z)), ({0: torch.export.Dim("b", min=3)},)
    path = tmp_path / "n.pt2"
    torch.export.save(torch.export.export(net.eval(), (torch.zeros(5, 4),), dynamic_shapes=sizes), path)
    with pytest.raises(ModelError, match="on 32 inputs"):
        open_model(path, value_range=(0, 1))


def squared(program):
    """Let the graph square a size forty times over: 1 with two inputs, and no end with four."""
    nodes = program["graph_module"]["graph"]["nodes"]
    at = next(i for i, node in enumerate(nodes) if node["target"] == "_operator.mul")
    size = nodes[at]["inputs"][0]["arg"]["as_sym_int"]

    def node(target, a, b, output):
        inputs = [{"name": name, "arg": {"as_sym_int": one}, "kind": 1} for name, one in (("a", a), ("b", b))]
        return {**nodes[at], "target": target, "inputs": inputs, "outputs": [{"as_sym_int": {"as_name": output}}]}

    made = [node("_operator.sub", size, {"as_int": 1}, "q0")]
    made += [node("_operator.mul", {"as_name": f"q{i}"}, {"as_name": f"q{i}"}, f"q{i + 1}") for i in range(40)]
    nodes[at:at] = made


def test_sizes_that_grow_without_end_are_refused(growing, tmp_path):
    path = edited(growing, tmp_path / "q.pt2", squared)
    with pytest.raises(ModelError, match=r"could not be run on 4 inputs \(OverflowError: an integer of 2\*\*48"):
        open_model(path, value_range=(0, 1))
    with pytest.raises(OverflowError, match="an integer of"):
        read_exported(path)(torch.zeros(7, 4))


def test_what_fills_the_memory_is_not_opened(tmp_path):
    path = export(
        Of(lambda z: z.sum() * 0 + torch.zeros(8).sum()), tmp_path / "m.pt2", torch.zeros(2, 4), dynamic=False
    )

    def grow(program):
        for node in program["graph_module"]["graph"]["nodes"]:
            if node["target"] == "torch.ops.aten.zeros.default":
                node["inputs"][0]["arg"] = {"as_ints": [1 << 34]}

    with pytest.raises(ModelError, match=r"took more than \d+ MiB of memory on 2 inputs when it was tried"):
        open_model(edited(path, tmp_path / "big.pt2", grow), value_range=(0, 1))


def test_what_takes_too_long_or_crashes_is_said(tmp_path, monkeypatch):
    def crashes(*_):
        signal.raise_signal(signal.SIGSEGV)

    def tried(run, seconds=20):
        monkeypatch.setattr(trial, "_run", run)
        return trial._tried("x", 4, 2**30, seconds)[:2]

    assert tried(crashes) == ("fault", "crashed (SIGSEGV)")
    assert tried(lambda *_: signal.pause(), 0.2) == ("fault", "took more than 0.2 seconds on 4 inputs")
    assert tried(lambda *_: 1 / 0)[1] == "could not be run on 4 inputs (ZeroDivisionError: division by zero)"
    assert tried(lambda *_: "fine") == ("fine", "")
    monkeypatch.setattr(trial, "_limit", lambda *_: 1 / 0)
    assert tried(lambda *_: "fine")[0] == "untried"
    path = export(Of(lambda z: z.sum() * 0), tmp_path / "t.pt2", torch.zeros(2, 4))
    monkeypatch.setattr(trial, "SECONDS", 0.0)
    with pytest.raises(ModelError, match=r"took more than 0 seconds .*trust_code=True"):
        open_model(path, value_range=(0, 1))
    assert open_model(path, value_range=(0, 1), trust_code=True).image_shape == (1, 8, 8)


@pytest.mark.parametrize("answer", [None, ("untried", "OSError: no")])
def test_nothing_is_opened_where_nothing_can_be_tried(tmp_path, monkeypatch, answer):
    path = export(Of(lambda z: z.sum() * 0), tmp_path / "t.pt2", torch.zeros(2, 4))
    if answer is None:
        monkeypatch.setattr(trial, "_CAN_FORK", False)
    else:
        monkeypatch.setattr(trial._server, "ask", lambda _: answer)
    with pytest.raises(TrustError, match=r"cannot be tried .*on this system.*trust_code=True"):
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
