"""1 says that a judged check failed and nothing else; 2 that something, or everything, could not run."""

import signal

import pytest

from didlearn.cli.commands import auditing
from didlearn.cli.commands.auditing import exit_code
from didlearn.cli.stops import Checks, heed_termination, stopping
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult
from tests.typed import didlearn


def result(**verdicts):
    return AuditResult(checks=tuple(CheckResult(check=c, verdict=v, reason="r") for c, v in verdicts.items()))


@pytest.mark.parametrize(
    ("verdicts", "asked", "code"),
    [
        ({"support": "pass"}, (), 0),
        ({"support": "fail"}, (), 1),
        ({"support": "fail", "fidelity": "error"}, (), 2),
        ({"support": "inconclusive", "gaussianity": "measured"}, (), 0),
        ({"support": "pass", "inversion": "not_run"}, (), 0),
        ({"support": "pass", "inversion": "not_run"}, ("support", "inversion"), 2),
        ({"support": "not_run", "fidelity": "not_run"}, (), 2),
        ({"support": "not_run", "gaussianity": "measured"}, (), 2),  # a gate that lost its generator
        ({"gaussianity": "measured"}, ("gaussianity",), 0),
        ({"support": "not_run"}, ("support",), 2),
    ],
)
def test_of_verdicts(verdicts, asked, code):
    assert exit_code(result(**verdicts), "fail", asked) == code


def test_inconclusive_fails_on_demand():
    assert exit_code(result(support="inconclusive"), "inconclusive", ()) == 1
    assert exit_code(result(support="fail"), "never", ()) == 0


def test_a_lost_generator_is_not_green(tmp_path):
    done = didlearn("support", "--train", "digits", "-o", "run", "-q", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "error: support could not run\n")


def test_a_mistake_of_ours_is_no_failed_check(tmp_path, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(auditing, "read_asked", broken)
    done = didlearn("support", "--train", "digits", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ZeroDivisionError: division by zero (unforeseen")


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "run/arrays.npz")

    monkeypatch.setattr(auditing, "read_asked", full)
    done = didlearn("support", "--train", "digits", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "error: No space left on device: run/arrays.npz\n")


@pytest.mark.parametrize(
    ("begun", "said"),
    [
        ([], "no check had begun and nothing was saved"),
        (["support"], "in support, the first check; what is finished of it is kept"),
        (["support", "memorization"], "in memorization; support is finished and saved in run (`didlearn report run`"),
        (["a", "b", "c"], "in c; a and b are finished"),
    ],
)
def test_an_interrupt_says_where_things_stand(begun, said, tmp_path, capsys):
    checks = Checks(lambda *_: None, tmp_path.relative_to(tmp_path.parent).with_name("run"))
    for name in begun:
        checks(f"check: {name}", 0, 0)
        checks(f"check: {name} drawing", 1, 2)
    with pytest.raises(SystemExit) as stopped, stopping(checks.standing):
        raise KeyboardInterrupt
    assert stopped.value.code == 130
    assert capsys.readouterr().err.startswith(f"stopped: {said}")


def test_termination_is_an_interrupt_of_another_code(capsys):
    """What a batch system sends before it kills; the mistake this sees: nothing is said of how to go on."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        heed_termination()
        with pytest.raises(SystemExit) as stopped, stopping(lambda: "two of three are done"):
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert stopped.value.code == 143
    assert capsys.readouterr().err == "stopped: two of three are done\n"
