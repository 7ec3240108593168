"""A budget of time: what each check is asked with, and that the whole ends in it."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

import didlearn as dl
from didlearn.audit.check import CHECKS, Check, parameter
from didlearn.audit.running import budget as module
from didlearn.audit.running.budget import OutOfTime, TimeBudget, efforts_of, seconds_in
from didlearn.audit.spec import build_checks
from didlearn.audit.subject import Subject
from didlearn.checks.inversion.check import InversionCheck
from didlearn.checks.likelihood.check import LikelihoodCheck
from didlearn.checks.manifold_classifier.check import ManifoldClassifier
from didlearn.checks.typicality.check import TypicalityCheck
from didlearn.cli.commands.auditing import read_asked
from didlearn.errors import UsageError
from didlearn.result.values import CheckResult
from didlearn.rng import Stream

DEAR = (InversionCheck, ManifoldClassifier, LikelihoodCheck, TypicalityCheck)


@dataclasses.dataclass(frozen=True)
class Dear(Check):
    """A check that takes a unit of time for each image."""

    name: ClassVar[str] = "dear"
    question: ClassVar[str] = "How long?"
    efforts: ClassVar[Sequence[Mapping[str, int]]] = ({"images": 8}, {"images": 16}, {"images": 32}, {"images": 64})
    images: int = parameter(100, "Images.")

    def missing(self, subject: Subject) -> str | None:
        return None

    def passes(self, subject: Subject) -> float:
        return float(self.images)

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        raise AssertionError("the tests run it themselves")


class Cheap(Dear):
    """One whose time depends on no decoder."""

    name: ClassVar[str] = "cheap"
    efforts: ClassVar[Sequence[Mapping[str, int]]] = ()


class World:
    """A clock that runs while checks are run: ``each`` seconds an image, ``foretold`` by one batch."""

    def __init__(self, monkeypatch, each=1.0, foretold=1.0):
        self.now, self.each, self.asked = 0.0, each, []
        monkeypatch.setattr(module, "seconds_of_pass", lambda *_: foretold)
        monkeypatch.setattr(module, "LatentModel", object)
        self.subject = Subject(None, threads=1)

    def run(self, check: Any, subject: Subject) -> CheckResult:
        self.asked.append(check.images)
        for image in range(check.images):
            self.now += self.each
            subject.progress("images", image, check.images)
        return CheckResult(check=check.name, verdict="pass", answer="yes", params=check.params())

    def budget(self, seconds):
        return TimeBudget(f"{seconds}s", seconds, lambda: self.now)


def test_what_fits_is_asked_whole(monkeypatch):
    world = World(monkeypatch)
    result = world.budget(2_000).run(Dear(), [], world.subject, world.run)
    assert result.params == {"images": 100, "within": "2000s"}
    assert world.asked == [100]
    assert "asked as hard as without it" in result.notes[-1]


@pytest.mark.parametrize(("seconds", "images"), [(30, 16), (60, 32), (95, 64), (140, 100), (10, 8)])
def test_the_greatest_effort_that_fits_is_asked(monkeypatch, seconds, images):
    world = World(monkeypatch)
    result = world.budget(seconds).run(Dear(), [], world.subject, world.run)
    assert result.params["images"] == images
    assert world.now <= seconds
    assert (f"images {images} of 100" in result.notes[-1]) == (images < 100)


@pytest.mark.parametrize("foretold", [0.1, 0.5, 1.0, 1.5])
def test_a_batch_that_foretells_badly_costs_no_overrun(monkeypatch, foretold):
    world = World(monkeypatch, foretold=foretold)
    result = world.budget(100).run(Dear(), [], world.subject, world.run)
    assert result.verdict == "pass"
    assert world.now <= 100


def test_the_pace_of_the_trial_and_not_of_the_batch_decides(monkeypatch):
    """Searches stop early: the batch foretold ten times what they take."""
    world = World(monkeypatch, each=0.1)
    assert world.budget(60).run(Dear(), [], world.subject, world.run).params["images"] == 100
    assert world.asked == [8, 100]


@pytest.mark.parametrize("unit", [7.0, 23.0, 60.0])
def test_a_unit_that_would_end_too_late_is_not_begun(monkeypatch, unit):
    world = World(monkeypatch, each=unit)
    world.budget(100).run(Dear(), [], world.subject, world.run)
    assert world.now <= 100


def test_what_takes_longer_than_foretold_is_cut_and_what_was_found_stands(monkeypatch):
    world = World(monkeypatch)
    run, slow = world.run, iter([1.0, 5.0])

    def slower(check, subject):
        world.each = next(slow)
        return run(check, subject)

    result = world.budget(100).run(Dear(), [], world.subject, slower)
    assert result.params["images"] == 8  # the trial's
    assert world.now <= 105


def test_what_even_the_least_effort_is_too_long_for_is_not_begun(monkeypatch):
    world = World(monkeypatch)
    result = world.budget(5).run(Dear(), [], world.subject, world.run)
    assert (result.verdict, world.asked) == ("inconclusive", [])
    assert "about 8 s" in result.reason


def test_a_trial_that_does_not_end_is_told_of(monkeypatch):
    world = World(monkeypatch, each=10)
    result = world.budget(20).run(Dear(), [], world.subject, world.run)
    assert result.verdict == "inconclusive"
    assert "did not end in its share" in result.answer
    assert world.now <= 40


def test_time_is_shared_by_the_passes_that_each_asks_for(monkeypatch):
    world = World(monkeypatch)
    budget, checks = world.budget(120), [Dear(), Dear(200), Cheap()]
    results = [budget.run(check, checks[i + 1 :], world.subject, world.run) for i, check in enumerate(checks[:2])]
    assert [result.params["images"] for result in results] == [16, 64]
    assert budget.left > 0


def test_a_check_of_seconds_is_asked_even_when_the_others_took_all(monkeypatch):
    world = World(monkeypatch, each=0.1, foretold=0.1)
    budget = world.budget(300)
    world.now = 310
    assert budget.run(Dear(), [], world.subject, world.run).params["images"] == 64
    assert world.now <= 310 + 0.03 * 300


def test_checks_through_no_decoder_are_run_as_they_are(monkeypatch):
    world = World(monkeypatch)
    result = world.budget(1).run(Cheap(), [], world.subject, world.run)
    assert result.params == {"images": 100}


@dataclasses.dataclass(frozen=True)
class Drawing(Cheap):
    """One that draws images."""

    samples: int = parameter(20_000, "Images drawn.")


@pytest.mark.parametrize(("seconds", "drawn"), [(60_000, 20_000), (5_000, 2_000), (5_279, 2_100), (100, 1_000)])
def test_no_more_is_drawn_than_two_fifths_of_the_time_allow(monkeypatch, seconds, drawn):
    world = World(monkeypatch)
    result = world.budget(seconds).run(Drawing(), [], world.subject, world.run)
    assert result.params["samples"] == drawn
    fewer = drawn < 20_000
    assert result.params.get("within") == (f"{seconds}s" if fewer else None)
    assert any(f"samples {drawn} of 20000" in note for note in result.notes) == fewer


def test_a_set_of_samples_is_read_whole(monkeypatch):
    world = World(monkeypatch)
    monkeypatch.setattr(module, "LatentModel", type("Other", (), {}))
    assert world.budget(1).run(Drawing(), [], world.subject, world.run).params == {"images": 100, "samples": 20_000}


@pytest.mark.parametrize("kind", DEAR)
def test_efforts_ascend_to_what_is_asked(kind):
    subject = Subject(dl.open_model("examples/digits/sound"), dl.open_images("digits"))
    efforts = efforts_of(kind())
    passes = [effort.passes(subject) for effort in efforts]
    assert passes == sorted(passes)
    assert passes[-1] > 5 * passes[0]
    assert efforts[-1] == kind()
    assert {name for caps in kind.efforts for name in caps} <= set(kind.parameters())


@pytest.mark.parametrize("kind", DEAR)
def test_what_is_asked_with_less_is_never_given_more(kind):
    small = kind(**{name: 8 for name in ("images", "chains", "starts") if name in kind.parameters()})
    for effort in efforts_of(small):
        assert all(getattr(effort, name) <= getattr(small, name) for name in kind.efforts[0])


def test_every_check_that_goes_through_the_decoder_has_efforts():
    assert {name for name, kind in CHECKS.items() if kind.efforts} == {kind.name for kind in DEAR}


@pytest.mark.parametrize(
    ("text", "seconds"), [("20m", 1_200), ("90s", 90), ("1.5h", 5_400), ("2 m", 120), (30, 30), (0.5, 0.5)]
)
def test_times_are_read(text, seconds):
    assert seconds_in(text) == seconds


@pytest.mark.parametrize("text", ["20", "m", "-1m", "0s", "20 minutes", "", 0, -1, float("inf"), float("nan")])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(UsageError, match="give a time, as in 20m"):
        seconds_in(text)


def test_one_flag_is_a_time_or_a_chains_gradients():
    asked = {"spec": None, "generator": "g", "train": "digits"}
    gradients = read_asked(asked | {"budget": "240"}, "likelihood")
    assert gradients.budget is None
    assert gradients.parameters == {"likelihood": {"budget": "240"}}
    assert read_asked(asked | {"budget": "20m"}, "likelihood").budget == "20m"
    with pytest.raises(UsageError, match="give a time"):
        dl.audit(**read_asked(asked | {"budget": "20"}, "inversion").arguments())


def digits():
    """So few that little of the time goes into what no budget changes."""
    return dl.open_images("digits").subset(range(300))


@pytest.mark.usefixtures("no_figure_files")
class TestAudit:
    """On a real one."""

    CHECKS = (InversionCheck(images=16, draws=30, starts=2, rounds=0, published=False),)

    def audit(self, folder, budget="30s", **more):
        return dl.audit(
            train=digits(), generator="examples/digits/sound", checks=self.CHECKS, budget=budget, output=folder,
            threads=1, **more,
        )  # fmt: skip

    @pytest.fixture(scope="class")
    @classmethod
    def begun(cls, short_races, tmp_path_factory):
        folder = tmp_path_factory.mktemp("run")
        return folder, cls().audit(folder)

    def test_it_says_what_was_asked_and_what_it_bought(self, begun):
        result = begun[1]["inversion"]
        assert result.params["within"] == "30s"
        assert result.verdict in ("pass", "inconclusive", "fail", "measured")
        assert result.params["images"] <= 16
        assert "Within the budget of 30s" in " ".join(result.notes)

    def test_the_same_numbers_without_a_budget(self, begun):
        result = begun[1]["inversion"]
        assert result.estimates
        fields = {name: value for name, value in result.params.items() if name != "within"}
        again = dl.audit(
            train=digits(), generator="examples/digits/sound", checks=[InversionCheck(**fields)], threads=1
        )
        assert again["inversion"].estimates == result.estimates

    def test_the_same_command_goes_on_and_another_budget_asks_again(self, begun):
        folder, first = begun
        said = []
        again = self.audit(folder, progress=lambda what, *_: said.append(what))
        assert any("kept from the run before" in what for what in said)
        assert again["inversion"].estimates == first["inversion"].estimates

        def stopping(what, *_):
            if "within was 30s and is 31s" in what:
                raise KeyboardInterrupt  # it is asked again, as the first was

        with pytest.raises(KeyboardInterrupt):
            self.audit(folder, budget="31s", progress=stopping)


@pytest.mark.usefixtures("no_figure_files")
def test_images_that_could_not_be_drawn_are_not_asked_for_again(monkeypatch, tmp_path):
    """On a faster machine too: the same time was given."""
    said = []

    def audit(budget, seconds):
        monkeypatch.setattr(module, "seconds_of_pass", lambda *_: seconds)
        return dl.audit(
            train=digits(), generator="examples/digits/sound", budget=budget, threads=1,
            checks=build_checks(("fidelity",), {"fidelity": {"samples": 2_000, "permutations": 19}}),
            output=tmp_path / "run", progress=lambda what, *_: said.append(what),
        )  # fmt: skip

    first = audit("20s", 1.0)["fidelity"]
    assert (first.params["samples"], first.params["within"]) == (1_000, "20s")
    assert any("drawing 1000 images" in what for what in said)
    assert audit("20s", 1e-6)["fidelity"].estimates == first.estimates
    assert any("kept from the run before" in what for what in said)
    assert audit("21s", 1e-6)["fidelity"].params["samples"] == 2_000


def test_out_of_time_is_no_answer_of_a_check():
    """It passes by what makes verdicts of errors."""
    from didlearn.audit.running.run_check import run_check

    class Late(Cheap):
        name: ClassVar[str] = "late"

        def run(self, subject, rng):
            raise OutOfTime

    with pytest.raises(OutOfTime):
        run_check(Late(), Subject(None))
