"""Units that are sent to workers: the same to the last bit, whoever dies on the way."""

import importlib.util
import os
import pickle
import re
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import didlearn as dl
from didlearn.embeddings.extract import embed
from didlearn.embeddings.module import ModuleEmbedding
from didlearn.errors import ModelError, UnitError, UsageError
from didlearn.evidence.log_evidence import log_evidence
from didlearn.inversion.invert import invert
from didlearn.rng import Stream
from didlearn.units import cluster as module
from didlearn.units import spread as spreading
from didlearn.units.cluster import cluster, placed
from didlearn.units.parcel import Failed, do_unit, pack
from didlearn.units.spread import send_units

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning")

BACKENDS = [
    "loky",
    *(name for name, needs in (("dask", "distributed"), ("ray", "ray")) if importlib.util.find_spec(needs)),
]


# Each of Ray's workers loads torch for minutes of a busy machine: `make test-slow` has these.
PARAMS = [pytest.param(name, marks=[pytest.mark.slow] if name == "ray" else []) for name in BACKENDS]


# Each worker loads torch, which takes seconds: the tests of a kind share two, and where each kill costs loky all of its
# processes, there is one, sent as much at once as two are.
ONE_PROCESS = "one process of loky"
SHARED = pytest.mark.parametrize("begun", ["loky"], indirect=True)


@pytest.fixture(scope="module", params=PARAMS)
def begun(request):
    """Two workers of each kind."""
    alone = request.param == ONE_PROCESS
    with cluster("loky" if alone else request.param, workers=1 if alone else 2) as opened:
        token = module._CURRENT.set(None)
        yield replace(opened, workers=2) if alone else opened
        module._CURRENT.reset(token)


@pytest.fixture
def workers(begun):
    """The same, which units are sent to while the test lasts."""
    token = module._CURRENT.set(begun)
    yield begun
    module._CURRENT.reset(token)


def test_every_kind_is_tried_where_tests_run():
    """The extras of the tests bring all: a backend that is not tried is a mistake of the set-up."""
    assert BACKENDS == ["loky", "dask", "ray"]


class Net(nn.Module):
    latent_shape, value_range = (2,), (0.0, 1.0)

    def forward(self, z):
        return 0.5 + 0.1 * (z @ torch.linspace(-1, 1, 32).view(2, 16)).view(-1, 1, 4, 4)


class Pooled(nn.Module):
    def forward(self, x):
        return x.mean(dim=(2, 3))


def test_searches_chains_samples_and_features_are_those_of_this_process(workers):
    model, assigned = dl.open_model(Net()), ModuleEmbedding(Pooled(), "pooled")

    def ask():
        drawn = model.draw(70, Stream(0)).images
        x = drawn.astype(np.float32) / 255
        return {
            "drawn": drawn,
            "latent": invert(model, x[:20], rounds=0, draws=20, starts=2).latent,
            "lower": log_evidence(model, x[:20], 0.1, chains=2, budget=130).lower,
            "features": embed(assigned, drawn),
        }

    there = ask()
    with cluster(None):
        here = ask()
    for name, value in here.items():
        np.testing.assert_array_equal(there[name], value, err_msg=name)


def bare(opened):
    """The same workers, which open the parcel and do the unit without loading torch: many are begun to be killed.

    What loads it, ``do_unit``, is what the other tests send.
    """

    def do(carried, name, item):
        content = carried.read_bytes() if isinstance(carried, Path) else carried.tobytes()
        return pickle.loads(content)[0](item)

    return replace(opened, submit=lambda work, *sent: opened.submit(do, *sent))


def until_it_fails(sent):
    """The numbers of the units that came, and what was said in the end."""
    found = []
    try:
        for number, _ in sent:
            found.append(number)
    except UnitError as error:
        return sorted(found), str(error)
    return sorted(found), ""


def test_units_come_with_their_numbers(workers):
    assert dict(send_units(lambda item: item * 2, range(5, 12), workers)) == {i: 2 * (i + 5) for i in range(7)}
    assert dict(send_units(lambda item: item, [], workers)) == {}


def test_what_says_something_of_the_model_is_said_at_once(workers):
    tries = []

    def refuse(item):
        tries.append(item)
        raise ModelError("the network makes no images")

    with pytest.raises(ModelError, match="makes no images"):
        list(send_units(refuse, range(3), workers))


def test_a_unit_that_fails_three_times_ends_in_one_sentence(workers):
    def fail(item):
        if item == 2:
            raise OSError("no space left\non device")
        return item

    found, error = until_it_fails(send_units(fail, range(4), workers))
    assert re.match(r"unit 3 of 4 failed 3 times .*OSError: no space left\)", error)
    assert found == [0, 1, 3]


@SHARED
def test_code_of_a_file_travels_with_its_neighbours(workers, tmp_path):
    """A worker could import neither: the file's folder is on no search path."""
    (tmp_path / "beside_net.py").write_text("SCALE = 0.25\n")
    (tmp_path / "net.py").write_text(
        "import torch\nfrom torch import nn\nimport beside_net\n"
        "class Net(nn.Module):\n"
        "    latent_shape, value_range = (2,), (0, 1)\n"
        "    def forward(self, z):\n"
        "        return (0.5 + beside_net.SCALE * z.tanh()).repeat(1, 8).view(-1, 1, 4, 4)\n"
    )
    model = dl.open_model(f"{tmp_path / 'net.py'}:Net", trust_code=True)
    try:
        with cluster(None):
            here = model.draw(64, Stream(0)).images
        np.testing.assert_array_equal(model.draw(64, Stream(0)).images, here)
    finally:
        sys.modules.pop("beside_net")


@SHARED
def test_exported_programs_and_torchscript_travel(workers, tmp_path):
    exported = torch.export.export(Net(), (torch.zeros(2, 2),), dynamic_shapes=({0: torch.export.Dim("n")},))
    torch.export.save(exported, tmp_path / "net.pt2")
    torch.jit.save(torch.jit.trace(Net(), torch.zeros(2, 2)), tmp_path / "net.pt")
    opened = [
        dl.open_model(tmp_path / file, trust_code=True, latent_shape=(2,), value_range=(0, 1))
        for file in ("net.pt2", "net.pt")
    ]
    with cluster(None):
        here = [model.draw(64, Stream(0)).images for model in opened]
    for model, images in zip(opened, here, strict=True):
        np.testing.assert_array_equal(model.draw(64, Stream(0)).images, images)


@pytest.fixture
def sent(monkeypatch):
    """How many units were sent, call by call."""
    counts, real = [], spreading.send_units

    def counting(function, items, opened):
        counts.append(len(items))
        return real(function, items, opened)

    monkeypatch.setattr(spreading, "send_units", counting)
    return counts


@SHARED
def test_long_work_goes_to_processes_once_they_pay(begun, monkeypatch, sent):
    """What threads took so far decides; the results are the same. The shared processes are used, and end with it."""
    model = dl.open_model(Net())
    here = model.draw(400, Stream(0)).images
    monkeypatch.setattr(module, "_PAYS_SENDING", 0.0)
    monkeypatch.setattr(module, "_PAYS_BEGINNING", 1e-3)
    with placed(None, None, 2):
        np.testing.assert_array_equal(model.draw(400, Stream(0)).images, here)
        assert sent == [11], "of 13 units the first two tell how long one takes"
        np.testing.assert_array_equal(model.draw(64, Stream(0)).images, here[:64])
        assert sent == [11]
    with placed(None, None, 1):
        model.draw(400, Stream(0))
    with placed("threads", None, 2):
        model.draw(400, Stream(0))
    model.draw(400, Stream(0))
    assert sent == [11]


@pytest.mark.parametrize("begun", [pytest.param(ONE_PROCESS, id="loky"), *PARAMS[1:]], indirect=True)
def test_what_is_lost_with_a_worker_is_sent_again(workers, tmp_path):
    """Each of two units kills its worker (signal 9) when it is first done."""

    def once(item):
        mark = Path(tmp_path) / str(item)
        if item in (1, 4) and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.05)
        return item * item

    assert dict(send_units(once, range(6), bare(workers))) == {i: i * i for i in range(6)}


@pytest.mark.parametrize("begun", [ONE_PROCESS], indirect=True)
def test_a_unit_that_kills_every_worker_does_not_take_the_others_along(workers):
    def deadly(item):
        if item == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return item

    found, error = until_it_fails(send_units(deadly, range(4), bare(workers)))
    assert error.startswith("unit 1 of 4 failed 3 times")
    assert found == [1, 2, 3]


def test_what_all_units_need_is_opened_once_in_a_worker(tmp_path):
    class Counting:
        def __call__(self, item):
            return item

    parcel = pack(Counting())
    file = tmp_path / "parcel"
    parcel.content.tofile(file)
    assert do_unit(file, parcel.name, 0) == 0
    file.unlink()
    assert [do_unit(file, parcel.name, item) for item in (1, 2)] == [1, 2]
    assert isinstance(do_unit(file, "another", 3), Failed)


def test_what_cannot_travel_is_said():
    waiting = (number for number in range(3))
    with pytest.raises(UsageError, match="cannot be sent to other processes"):
        pack(waiting.__next__)


def test_short_work_begins_no_process(sent):
    with placed(None, None, 2):
        dl.open_model(Net()).draw(400, Stream(0))
    assert sent == []


def test_what_cannot_travel_stays_here(monkeypatch, sent):
    monkeypatch.setattr(module, "_PAYS_SENDING", 0.0)
    monkeypatch.setattr(module, "_PAYS_BEGINNING", 0.0)
    model = dl.open_model(Net())
    vars(model.network)["waiting"] = (number for number in range(3))  # nobody can pack that
    with placed(None, None, 2):
        assert len(model.draw(400, Stream(0)).images) == 400
    assert sent == [11]


def test_ray_in_short():
    """One cluster, few units: an answer, and a refusal."""
    with cluster("ray", workers=1) as opened:
        assert dict(send_units(lambda item: item * 2, range(3), opened)) == {0: 0, 1: 2, 2: 4}

        def refuse(item):
            raise ModelError("the network makes no images")

        with pytest.raises(ModelError, match="makes no images"):
            list(send_units(refuse, range(2), opened))
