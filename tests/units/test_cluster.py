"""Workers of each kind: begun when they pay, refused where there are none, ended with who began them."""

import importlib.util
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from didlearn.errors import MissingExtraError, UsageError
from didlearn.units import cluster as module
from didlearn.units.cluster import Spare, check_backend, cluster, current_cluster

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.mark.parametrize(
    ("spent", "left", "begun", "pays"),
    [(0, 10, False, False), (10, 10, False, True), (0, 20, False, True), (0, 1, True, True), (99, 0.1, True, False)],
)
def test_processes_begin_when_as_much_was_spent_without_them(spent, left, begun, pays):
    with ExitStack() as stack:
        spare = Spare(2, stack)
        spare.spent = spent
        if begun:
            spare.begin()
        assert spare.pays(left) is pays


def test_workers_end_with_who_began_them(tmp_path):
    """Also when that is killed: the mistake this sees is a process left behind by every kill."""
    script = tmp_path / "script.py"
    script.write_text(
        "import os, pathlib, sys, time\n"
        "from didlearn.units.cluster import cluster\n"
        "from didlearn.units.spread import send_units\n"
        "def work(item):\n"
        "    pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else FOLDER, str(os.getpid())).touch()\n"
        "    return item\n"
        "FOLDER = sys.argv[1]\n"
        "with cluster('loky', workers=1) as opened:\n"
        "    list(send_units(work, range(2), opened))\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    marks = tmp_path / "marks"
    marks.mkdir()
    with subprocess.Popen([sys.executable, script, marks], stdout=subprocess.PIPE, text=True) as begun:
        assert begun.stdout.readline() == "ready\n"
        begun.kill()
    pids = [int(mark.name) for mark in marks.iterdir()]
    assert pids
    until = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < until, "workers are left"
        time.sleep(0.1)


def test_units_are_sent_only_inside():
    assert current_cluster() is None
    with cluster("loky", workers=2) as opened:
        assert current_cluster() is opened
    assert current_cluster() is None
    with cluster(None) as opened:
        assert opened is None


@pytest.mark.parametrize(
    ("backend", "address", "what"),
    [
        ("spark", None, "no backend 'spark'; give one of threads, loky, dask, ray"),
        (None, "tcp://localhost:1", "give backend=... too"),
        ("loky", "tcp://localhost:1", "loky has no address"),
    ],
)
def test_backends_that_there_are_not(backend, address, what):
    with pytest.raises(UsageError, match=what):
        check_backend(backend, address)


def test_a_backend_that_is_not_installed_names_its_extra(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'didlearn\[dask\]'"):
        check_backend("dask", None)


def test_a_scheduler_without_workers_is_said(monkeypatch):
    import distributed

    monkeypatch.setattr(module, "_PATIENCE", 3)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=None) as empty,
        pytest.raises(UsageError, match="no worker of dask answers at tcp"),
        cluster("dask", empty.scheduler_address),
    ):
        pass


def test_nothing_answers_at_an_address(monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE", 0.5)
    with (
        pytest.raises(UsageError, match=r"no dask scheduler answers at tcp://127\.0\.0\.1:9"),
        cluster("dask", "tcp://127.0.0.1:9"),
    ):
        pass
