import json

import pytest
from typer.testing import CliRunner

from didlearn.cli.app import app
from didlearn.studies.memorizing_bigan.settings import STUDY_NAME
from didlearn.studies.memorizing_bigan.study import MemorizingBiganStudy


def made_up(support, share):
    cell = {"measure": "advantage", "model": "memorizing", "support": support, "width": 0, "seed": 0}
    taken = round(10_000 * (0.5 + share / 2))
    counts = {"real_taken": taken, "generated_taken": 10_000 - taken, "test": 10_000, "parameters": 69}
    return cell | counts | {"advantage": share}


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({}, "No discriminator was trained yet"),
        ({4: 0.9, 64: 0.4, 4096: 0.0}, "up to so many images: 64 (linear). With more"),
        ({4: 0.9, 64: 0.4}, "Even with 64 memorised images every"),
        ({64: 0.0, 4096: 0.0}, "No discriminator found the memorising BiGAN out, from 64 images up"),
    ],
)
def test_the_answer_is_what_the_rows_show(shares, said):
    result = MemorizingBiganStudy().summarise([made_up(m, share) for m, share in shares.items()])
    assert said in result.answer
    assert result.check == STUDY_NAME
    json.dumps(result.model_dump(mode="json"), allow_nan=False)


SMALL = {
    "supports": "4",
    "widths": "0,4",
    "seeds": "1",
    "steps": "5",
    "test": "50",
    "validation": "50",
    "sets": "6",
    "memories": "3",
    "checked": "256",
    "probed": "60",
    "bigan_steps": "4",
    "bigan_width": "2",
    "bigan_images": "100",
}


def trained(share, width=0):
    counts = {key: made_up(4, share)[key] for key in ("advantage", "real_taken", "generated_taken", "test")}
    return {"measure": "bigan", "seed": 0, "judged": [{"width": width, "parameters": 73} | counts]}


@pytest.mark.parametrize(
    ("shares", "bigan", "said"),
    [
        ({4: 0.9, 4096: 0.0}, 0.7, True),
        ({4: 0.9, 4096: 0.0}, 0.0, False),
        ({4: 0.9, 4096: 0.0}, 0.02, False),
    ],
)
def test_the_objective_is_said_to_prefer_the_memory_only_where_it_does(shares, bigan, said):
    rows = [made_up(m, share) for m, share in shares.items()] + [trained(bigan)]
    result = MemorizingBiganStudy().summarise(rows)
    assert ("prefers" in result.answer) is said
    assert ("at least 0.7" in result.answer) is said
    assert result.estimates["trained_bigan_width_0"].value == pytest.approx(bigan)
    assert result.estimates["largest_memory_width_0"].value == pytest.approx(shares[4096])


def test_each_width_has_its_reach():
    rows = [made_up(4, 0.9), made_up(64, 0.4), made_up(4096, 0.0)]
    rows += [made_up(4, 0.9) | {"width": 8}, made_up(4096, 0.2) | {"width": 8}]
    rows += [made_up(4, 0.0) | {"width": 16}, made_up(4096, 0.0) | {"width": 16}]
    answer = MemorizingBiganStudy().summarise(rows).answer
    assert "64 (linear), 4\u202f096, the most there were (width 8), none (width 16)." in answer


def test_settings_come_from_text():
    study = MemorizingBiganStudy.make(SMALL | {"supports": "4,16"})
    assert len(study.cells()) == 3 + 2 + 1 + 6 + 4 + 2
    assert study.recipe.encoder_width == study.recipe.discriminator_width == 2
    assert len(MemorizingBiganStudy.make({}, full=True).widths) == 5


def test_the_command_runs_it_and_the_numbers_are_those_of_any_number_of_jobs(tmp_path):
    flags = [text for name, value in SMALL.items() for text in ("--set", f"{name}={value}")]
    found = {}
    for jobs in ("1", "2"):
        folder = tmp_path / jobs
        done = CliRunner().invoke(app, ["study", STUDY_NAME, *flags, "--jobs", jobs, "-o", str(folder), "--seed", "3"])
        assert done.exit_code == 0, done.output
        lines = map(json.loads, (folder / "rows.jsonl").read_text().splitlines())
        found[jobs] = {json.dumps(line["cell"], sort_keys=True): line["row"] for line in lines}
    assert found["1"] == found["2"]
    assert len(found["1"]) == 3 + 1 + 1 + 4 + 4 + 2
    page = (tmp_path / "1" / "report.html").read_text(encoding="utf-8")
    assert "trained BiGAN, seed 0" in page
    assert page == (tmp_path / "2" / "report.html").read_text(encoding="utf-8")
    assert (tmp_path / "1" / "figures" / f"{STUDY_NAME}-capacity.svg").is_file()
