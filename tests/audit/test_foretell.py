"""What an audit will cost is said before it begins, and how far it is while it goes on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch
from torch import nn

import didlearn as dl
from didlearn.audit.check import Check
from didlearn.audit.running import budget
from didlearn.audit.running.budget import foretell
from didlearn.audit.running.run_check import run_check
from didlearn.audit.spec import build_checks
from didlearn.audit.subject import Subject
from didlearn.checks.inversion.check import InversionCheck
from didlearn.checks.likelihood.check import LikelihoodCheck
from didlearn.checks.support.check import Support
from didlearn.checks.typicality.check import TypicalityCheck
from didlearn.images import open_images
from didlearn.models import open_model
from didlearn.progress import LATER, PASSES
from didlearn.result.values import CheckResult
from tests.models.diffusion.gaussians import pictures


class Network(nn.Module):
    latent_shape, value_range, prior = (4,), (0, 1), "normal"

    def forward(self, z):
        return z.sum(dim=1).sigmoid().view(-1, 1, 1, 1).expand(-1, 1, 8, 8) + 0 * torch.ones(8, 8)


@pytest.fixture
def subject():
    digits = open_images("digits")
    return Subject(open_model(Network()), digits.subset(range(100)), digits.subset(range(100, 200)), threads=2)


@pytest.fixture
def slow(monkeypatch):
    monkeypatch.setattr(budget, "seconds_of_pass", lambda model, device: 0.1)


def test_drawing_and_searching_are_foretold(subject, slow):
    checks = [Support(samples=2000), InversionCheck()]
    said = foretell(checks, subject)
    searched = InversionCheck().passes(subject) * 0.1 / 2
    assert "drawing 2000 images 2 minutes" in said
    assert f"inversion {budget._spoken(searched)}" in said


def test_a_minute_is_not_worth_saying(subject):
    assert foretell([Support(samples=10)], subject) == ""


def test_a_bank_goes_through_no_decoder(slow):
    digits = open_images("digits")
    assert foretell(build_checks((), {}), Subject(open_model("digits"), digits, digits)) == ""


def test_a_model_that_inverts_itself_is_not_foretold_a_search(subject, slow):
    digits = open_images("digits")
    own = Subject(open_model(pictures(4)), digits, digits)
    assert InversionCheck().passes(own) < InversionCheck().passes(subject) / 20


def test_it_is_said_before_the_first_check(slow):
    told = []
    digits = open_images("digits").subset(range(60))
    dl.audit(
        train=digits, generator=Network(), checks=[Support(samples=1500)], threads=1,
        progress=lambda what, done, total: told.append(what),
    )  # fmt: skip
    said = [what for what in told if what.startswith("by one batch of Network")]
    assert len(said) == 1
    assert told.index(said[0]) < told.index("check: support")


@pytest.mark.parametrize(
    "check",
    [
        InversionCheck(images=8, draws=20, starts=2, rounds=0),
        LikelihoodCheck(images=8, chains=2, budget=120, sigma_curves=False),
        TypicalityCheck(images=8, chains=2, budget=120, drawn=16),
    ],
    ids=lambda check: check.name,
)
def test_the_passes_that_are_told_come_to_those_that_were_foreseen(subject, check):
    """What a part of a check is not told of, or is told twice, would let the time left be anything."""
    told = []
    object.__setattr__(subject, "progress", lambda what, done, total: told.append((what, done, total)))
    assert run_check(check, subject).verdict != "error"
    passes = [(done, total) for what, done, total in told if what == PASSES]
    assert passes[0] == (0, round(check.passes(subject)))
    assert [done for done, _ in passes] == sorted(done for done, _ in passes)
    done, total = passes[-1]
    assert 0.6 < done / total < 1.2


class OfClasses(nn.Module):
    """The same under each of two classes, of which the digits have none."""

    latent_shape, value_range, prior, classes = (4,), (0, 1), "normal", 2

    def forward(self, z, y):
        return Network()(z + 0.1 * y[:, None])


def test_likelihoods_under_all_classes_count_once(subject):
    """As they are foreseen: a likelihood of two classes is one number."""
    told = []
    conditional = replace(
        subject, model=open_model(OfClasses()), progress=lambda what, done, total: told.append((what, done, total))
    )
    check = LikelihoodCheck(images=8, chains=2, budget=120, sigma=0.2, sigma_curves=False, all_classes=True)
    assert run_check(check, conditional).verdict != "error"
    done, total = [(done, total) for what, done, total in told if what == PASSES][-1]
    assert 0.6 < done / total < 1.2


def test_what_was_done_for_another_check_is_foreseen_no_more(subject):
    told = []
    object.__setattr__(subject, "progress", lambda what, done, total: told.append((what, done, total)))
    likely = {"images": 8, "chains": 2, "budget": 120}
    run_check(LikelihoodCheck(**likely, sigma_curves=False), subject)
    del told[:]
    check = TypicalityCheck(**likely, drawn=16)
    run_check(check, subject)
    (*_, last) = [(done, total) for what, done, total in told if what == PASSES]
    assert last[1] < 0.6 * check.passes(subject)
    assert 0.6 < last[0] / last[1] < 1.2


@dataclass(frozen=True)
class Heavy(Check):
    """A check that foresees so many passes, and takes none."""

    name: ClassVar[str] = "heavy"
    question: ClassVar[str] = "?"
    efforts: ClassVar[Sequence[Mapping[str, int]]] = ({"images": 1},)
    images: int = 10

    def missing(self, subject):
        return None

    def passes(self, subject):
        return 100.0 * self.images

    def run(self, subject, rng):
        return CheckResult(check=self.name, verdict="measured", answer="Ran.")


@dataclass(frozen=True)
class Heavier(Heavy):
    name: ClassVar[str] = "heavier"
    images: int = 20


def test_an_audit_tells_the_passes_of_the_checks_to_come():
    told = []
    digits = open_images("digits").subset(range(60))
    checks = [Support(samples=60), Heavy(), Heavier()]
    dl.audit(
        train=digits, generator=Network(), checks=checks, threads=1, embedding="pixels",
        progress=lambda what, done, total: told.append((what, done, total)),
    )  # fmt: skip
    assert [(done, total) for what, done, total in told if what == LATER] == [(3000, 2), (2000, 1)]
    assert [(done, total) for what, done, total in told if what == PASSES] == [(0, 1000), (0, 2000)]
