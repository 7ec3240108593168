"""The command: what it serves, refuses, writes, and what a kill leaves."""

import signal
import socket
import threading
import time

import pytest

from didlearn.errors import UsageError
from didlearn.labelling.outcome import RESULT_FILE
from didlearn.labelling.serve import label_run
from didlearn.labelling.sheet import Sheet
from didlearn.labelling.store import Store
from didlearn.result.values import CheckResult
from tests.labelling.served import serving
from tests.typed import didlearn


def judge(server, sheet, same, name, positions):
    """Press the right keys as a person who never errs."""
    person = server.enter(name)["person"]
    order = sheet.order(0, name)
    for at in positions:
        assert server.press(person, at, "d" if same[order[at].pair] else "n") == 200


def test_a_kill_loses_nothing_and_labelling_goes_on(run, sheet, same):
    with serving(run) as server:
        judge(server, sheet, same, "Ada", range(70))
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    (run / RESULT_FILE).unlink(missing_ok=True)
    with serving(run, program=True) as server:
        answers = server.enter("Ada")["answers"]
        assert answers[70:] == [None] * 70
        assert None not in answers[:70]
        deadline = time.monotonic() + 30
        while not (run / RESULT_FILE).exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        # Written at the start already, from what the kill left.
        assert CheckResult.model_validate_json((run / RESULT_FILE).read_bytes()).tables[0].rows[0][1] == 70
        judge(server, sheet, same, "Ada", range(70, 140))
        server.process.send_signal(signal.SIGINT)
        said = server.process.stdout.read()
        assert server.process.wait(30) == 0
    assert "didlearn report" in said
    result = CheckResult.model_validate_json((run / RESULT_FILE).read_bytes())
    assert result.tables[0].rows[0][1] == 140
    page = didlearn("report", run)
    assert page.returncode == 0, page.stderr
    assert "when people decide what a duplicate is" in (run / "report.html").read_text(encoding="utf-8")


def test_export_and_finish(run, sheet, same, tmp_path):
    store = Store.open(run, sheet.fingerprint)
    person = store.person("Ada")
    for pair, is_same in enumerate(same):
        store.say(person, pair, "d" if is_same else "n")
    store.close()
    assert didlearn("label", run, "--finish").stdout.strip() == str(run / RESULT_FILE)
    first = (run / RESULT_FILE).read_bytes()
    (run / RESULT_FILE).unlink()
    done = didlearn("label", run, "--export", tmp_path / "out.csv")
    assert done.stdout.split() == [str(tmp_path / "out.csv"), str(run / RESULT_FILE)]
    assert (run / RESULT_FILE).read_bytes() == first
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 141


def test_pairs_and_labeller(run):
    with serving(run, "--pairs", "12", "--labeller", "Bob & <i>Co</i>") as server:
        assert len(server.enter("Bob & <i>Co</i>")["answers"]) == 12
        assert 'data-person="Bob &amp; &lt;i&gt;Co&lt;/i&gt;"' in server.ask("GET", "/")[2].decode()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--pairs", "0"], "--pairs is 0"),
        (["--port", "99999"], "--port is 99999"),
        (["--labeller", " "], "--labeller is ' '"),
        (["--lable", "x"], "there is no flag --lable"),
    ],
)
def test_flags_that_make_no_sense_are_refused(run, flags, message):
    done = didlearn("label", run, *flags)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    assert "there is no file or folder" in didlearn("label", tmp_path / "none").stderr
    assert "audit.json" in didlearn("label", tmp_path).stderr


def test_a_port_in_use_is_refused(run):
    with serving(run) as server:
        done = didlearn("label", run, "--port", server.port)
        assert done.returncode == 2
        assert f"port {server.port} cannot be used" in done.stderr


def test_nothing_is_at_work_when_a_port_was_refused(run):
    """A thread left behind reads labels from the store that has been closed, or does not, as it happens."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError, match="cannot be used"):
        label_run(run, port=taken.getsockname()[1])
    assert "labels" not in [thread.name for thread in threading.enumerate()]


def test_labels_do_not_outlive_their_pairs(run, sheet):
    Store.open(run, "another").close()
    done = didlearn("label", run, "--finish")
    assert done.returncode == 2
    assert "other pairs" in done.stderr


def test_two_servers_may_label_one_run(run, sheet, same):
    with serving(run) as one, serving(run) as other:
        judge(one, sheet, same, "Ada", range(20))
        judge(other, sheet, same, "Bob", range(20))
    assert len(Store.open(run, Sheet.load(run).fingerprint).labels()) == 40
