"""Laws of the whole: what a result may not depend on, and that nothing finished is lost."""

import json
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

import didlearn as dl
from didlearn.audit.check import Check
from didlearn.audit.running.run_check import run_check
from didlearn.audit.subject import Subject
from didlearn.checks.concentration.check import Concentration
from didlearn.checks.fidelity.check import Fidelity
from didlearn.checks.gaussianity.check import Gaussianity
from didlearn.checks.inversion.check import InversionCheck
from didlearn.checks.likelihood.check import LikelihoodCheck
from didlearn.checks.memorization.check import Memorization
from didlearn.checks.support.check import Support
from didlearn.checks.typicality.check import TypicalityCheck
from didlearn.errors import DataError, UsageError
from didlearn.images.split import split_heldout
from didlearn.result.values import CheckResult

CHECKS = [Support(samples=150), Memorization(samples=150, aligned=20), Fidelity(samples=150, permutations=19)]


class Net(nn.Module):
    """A small convolutional generator of 8x8 pictures, whose last bits depend on how it is batched if one lets them."""

    latent_shape, value_range = (8,), (-1, 1)

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(8, 512)
        self.up = nn.ConvTranspose2d(32, 16, 2, 2)
        self.out = nn.Conv2d(16, 1, 3, padding=1)

    def forward(self, z):
        return torch.tanh(4 * self.out(torch.relu(self.up(torch.relu(self.linear(z)).view(-1, 32, 4, 4)))))


@pytest.fixture(scope="module")
def generator():
    state = torch.get_rng_state()
    net = Net()
    torch.set_rng_state(state)
    return net


def digits():
    """A sixth of the digits: what a result may not depend on shows as well among them."""
    return dl.open_images("digits").subset(range(300))


def audit(generator, checks=CHECKS, **arguments):
    return dl.audit(generator=generator, checks=checks, **({"train": digits(), "threads": 1} | arguments))


def without_time(result, check):
    assert result[check].verdict != "error", result[check].reason
    return result[check].model_copy(update={"seconds": 0.0}).model_dump(mode="json")


@pytest.mark.usefixtures("quick_classifier")
@pytest.mark.parametrize("embedding", ["pixels", "classifier"])
def test_results_do_not_depend_on_batch_size_threads_order_or_company(generator, embedding):
    """The reference trains its classifier by itself, with one thread; the others have one that was trained with two."""
    reference = audit(generator, batch_size=64, embedding=embedding)
    train, heldout = split_heldout(digits(), seed=0)
    space = dl.open_embedding(embedding, train=train, heldout=heldout, threads=2)
    swapped = audit(generator, CHECKS[::-1], embedding=space, threads=2, batch_size=1000)
    for check in CHECKS:
        alone = audit(generator, [check], embedding=space)
        for other in (swapped, alone):
            assert without_time(reference, check.name) == without_time(other, check.name)


@pytest.mark.parametrize("rounds", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_inversions_do_not_depend_on_batch_size_threads_or_company(generator, rounds, request):
    if not rounds:
        request.getfixturevalue("short_race")
    check = InversionCheck(images=8, draws=20, starts=2, rounds=rounds, published=False)
    reference = audit(generator, [check], batch_size=64)
    other = audit(generator, [Support(samples=100), check], threads=2, batch_size=1000)
    assert without_time(reference, "inversion") == without_time(other, "inversion")


@pytest.mark.parametrize("curves", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_densities_and_spectra_do_not_depend_on_batch_size_threads_or_company(generator, curves):
    effort: dict[str, Any] = {"images": 4, "chains": 2, "budget": 120, "sigma": 0.2}
    few: dict[str, Any] = {"samples": 200, "replicates": 19}
    spectra = [Gaussianity(alpha=0.2, dimension=4, tested=50, **few), Concentration(**few)]
    small = [LikelihoodCheck(sigma_curves=curves, **effort), TypicalityCheck(drawn=8, **effort), *spectra]
    reference = audit(generator, small, batch_size=64)
    other = audit(generator, small, threads=2, batch_size=1000)
    alone = audit(generator, spectra, threads=2)
    for check in small:
        assert without_time(reference, check.name) == without_time(other, check.name)
        if check in spectra:
            assert without_time(reference, check.name) == without_time(alone, check.name)


def test_another_seed_gives_another_sample(generator):
    a, b = (audit(generator, [Support(samples=300)], seed=seed)["support"] for seed in (0, 1))
    assert a.estimates["threshold"].value != b.estimates["threshold"].value


def test_the_drawn_sample_is_shared_and_a_prefix(generator):
    subject = Subject(dl.open_model(generator), seed=4)
    few, many = subject.draw(50).images.copy(), subject.draw(200).images
    assert np.array_equal(few, many[:50])
    assert subject.draw(50).images.base is many or np.shares_memory(subject.draw(50).images, many)


@dataclass(frozen=True)
class Broken(Check):
    name: ClassVar[str] = "broken"
    question: ClassVar[str] = "?"
    says: str = ""

    def missing(self, subject):
        return None

    def run(self, subject, rng):
        raise (DataError(self.says) if self.says else ZeroDivisionError("oh"))


def test_a_check_that_raises_loses_only_itself(generator, tmp_path):
    result = audit(generator, [Broken(), Support(samples=200)], output=tmp_path)
    assert result["broken"].verdict == "error"
    assert result["broken"].reason == "ZeroDivisionError: oh"
    assert result["support"].verdict in {"pass", "fail", "inconclusive"}
    assert run_check(Broken("the disk is full; free some"), Subject(None)).reason == "the disk is full; free some"


class Stopped(KeyboardInterrupt):
    pass


def test_what_was_finished_is_on_disk_when_the_rest_is_killed(generator, tmp_path):
    @dataclass(frozen=True)
    class Killed(Broken):
        name: ClassVar[str] = "killed"

        def run(self, subject, rng):
            raise Stopped

    with pytest.raises(Stopped):
        audit(generator, [Support(samples=200), Killed()], output=tmp_path)
    saved = json.loads((tmp_path / "audit.json").read_text())
    assert [check["check"] for check in saved["checks"]] == ["support"]


def test_the_subject_is_described(generator):
    result = audit(generator, [Support(samples=100)], train="digits", outside={"same": "digits"})
    assert result.subject["train"]["images"] + result.subject["heldout"]["images"] == 1797
    assert result.subject["outside"]["same"]["images"] == 1797
    assert len(result.subject["model"]["fingerprint"]) >= 16
    assert {"didlearn", "torch", "device", "threads", "seed", "command"} <= set(result.environment)
    assert any("split off" in note for note in result.notes)


def test_sets_of_different_shapes_are_refused(generator):
    other = np.zeros((30, 1, 9, 9), np.uint8)
    with pytest.raises(
        DataError, match=r"training images are \(1, 8, 8\), held-out images \(1, 9, 9\).*size and channels"
    ):
        dl.audit(train="digits", heldout=other, generator=generator)


def test_a_check_twice_is_refused(generator):
    with pytest.raises(UsageError, match="asked for twice"):
        audit(generator, ["support", Support(samples=3)])


def test_thread_settings_come_back(generator):
    before = torch.get_num_threads()
    audit(generator, [Support(samples=100)], threads=before + 1)
    assert torch.get_num_threads() == before


def test_results_are_values():
    assert CheckResult(check="a", verdict="pass") == CheckResult(check="a", verdict="pass")
