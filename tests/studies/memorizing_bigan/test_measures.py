import json
import math
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch

from didlearn.errors import UsageError
from didlearn.rng import Stream
from didlearn.studies.memorizing_bigan.measures import cells, run_cell
from didlearn.studies.memorizing_bigan.pairs import generated_pairs, memorizing, real_pairs
from didlearn.studies.memorizing_bigan.settings import MemorizingBigan
from didlearn.studies.memorizing_bigan.smoothed_law import SmoothedLaw
from didlearn.studies.memorizing_bigan.summary import fall, linear_theory, pool, summary, taken_apart
from didlearn.studies.study import Workplace
from didlearn.zoo.memorizing.generator import noise_positions

QUICK = MemorizingBigan(
    supports=(4, 4096),
    widths=(0, 16),
    seeds=1,
    steps=150,
    batch=64,
    validation=400,
    test=5000,
    checked=1024,
    probed=200,
    bigan_steps=80,
    bigan_batch=32,
    bigan_width=4,
    bigan_images=500,
    sets=(16, 2048),
    memories=10,
)


def row(cell, settings=QUICK, seed=0):
    with TemporaryDirectory() as folder:
        place = Workplace(Path(folder) / "model", Path(folder) / "cache")
        return run_cell(settings, cell, Stream(seed, tuple(map(str, cell.values()))), place)


def judged(model, support, width, seed=0):
    return {"measure": "advantage", "model": model, "support": support, "width": width, "seed": seed}


@pytest.fixture(scope="module")
def rows():
    return [cell | row(cell) for cell in cells(QUICK)]


def test_cells_are_small_unique_json():
    named = [json.dumps(cell, sort_keys=True) for cell in cells(MemorizingBigan())]
    assert len(named) == len(set(named)) == 3 + 9 + 3 * (1 + 4 * 10 + 2 * 4 * 4) + 3 * 4
    assert max(map(len, named)) < 120


def test_rows_are_json_numbers(rows):
    for found in rows:
        json.dumps(found, allow_nan=False)
    named = {"measure", "encoder", "model", "support", "width", "seed"}
    measured = [v for found in taken_apart(rows) for k, v in found.items() if k not in named]
    assert len(measured) > 100
    assert all(isinstance(v, int | float) and math.isfinite(v) for v in measured)


def test_a_small_memory_is_found_out_and_a_large_or_honest_one_is_not(rows):
    low = {(r["model"], r["support"], r["width"]): r for r in rows if r["measure"] == "advantage"}
    assert low["memorizing", 4, 0]["low"] > 0.7
    assert low["memorizing", 4, 16]["low"] > 0.95
    assert abs(low["memorizing", 4096, 0]["advantage"]) < 0.08
    assert low["honest", None, 16]["low"] < 0.01
    assert low["memorizing", 4, 16]["parameters"] == 68 * 16 + 16 + 16 * 16 + 16 + 17


def test_one_trained_bigan_is_judged_by_every_width_and_found_out(rows):
    (trained,) = [r for r in rows if r["measure"] == "bigan"]
    judged = {found["width"]: found for found in trained["judged"]}
    assert list(judged) == [0, 16]
    assert judged[16]["low"] > 0.5
    # Its pairs have eight codes, not four.
    assert judged[16]["parameters"] == 72 * 16 + 16 + 16 * 16 + 16 + 17
    assert judged[0]["advantage"] == pytest.approx(
        (judged[0]["real_taken"] - judged[0]["generated_taken"]) / QUICK.test
    )


def test_the_code_of_a_trained_bigan_says_something(rows):
    (trained,) = [r for r in rows if r["measure"] == "bigan"]
    assert trained["p"] == 1 / 500
    assert trained["low"] > 1.5 * trained["chance"]


def test_rows_of_several_measures_are_taken_apart(rows):
    apart = taken_apart(rows)
    assert len(apart) == len(rows) + 2
    (code,) = [r for r in apart if r["measure"] == "code" and "BiGAN" in r["encoder"]]
    (trained,) = [r for r in rows if r["measure"] == "bigan"]
    assert (code["encoder"], code["p"]) == ("trained BiGAN, seed 0", trained["p"])
    models = [(r["model"], r["width"]) for r in apart if r["measure"] == "advantage" and r["support"] is None]
    assert sorted(models) == [("bigan", 0), ("bigan", 16), ("honest", 0), ("honest", 16)]
    assert "judged" in trained, "what is given stays as it is"


def test_the_honest_sampler_and_the_trained_bigan_are_not_pooled():
    mixed = [made_up(None, 0, 0.0, 0), made_up(4, 0, 0.9, 0)]
    counts = {key: made_up(4, 0, 0.6, 0)[key] for key in ("advantage", "real_taken", "generated_taken", "test")}
    mixed.append({"measure": "bigan", "seed": 0, "judged": [{"width": 0, "parameters": 73} | counts]})
    found = [(p.model, p.support, p.parameters, round(p.advantage.value, 3)) for p in pool(mixed)]
    assert found == [("memorizing", 4, 69, 0.9), ("honest", None, 69, 0.0), ("bigan", None, 73, 0.6)]


def test_the_network_is_exact_on_codes_and_nowhere_near_on_images(rows):
    for found in (r for r in rows if r["measure"] == "network"):
        assert found["z_cycle"] == 0
        assert found["mismatch_low"] <= found["expected_mismatch"] <= QUICK.delta
        assert found["weights"] < 2 * found["memory"]
    many = next(r for r in rows if r["measure"] == "network" and r["support"] == 4096)
    # E|x' - x|^2 of two independent images is twice the variance.
    assert many["x_cycle"] == pytest.approx(2, rel=0.1)


def test_the_code_says_nothing_and_the_test_would_hear_it(rows):
    by = {r["encoder"]: r for r in rows if r["measure"] == "code"}
    noise, image = by["noise-extracting"], by["principal components"]
    assert noise["p"] > 0.005
    assert noise["low"] <= noise["chance"]
    assert image["p"] == 1 / 500
    assert image["low"] > 2 * image["chance"]
    assert by["one tenth image"]["hsic"] > noise["hsic"]


def test_a_row_does_not_depend_on_what_ran_before():
    cell = judged("memorizing", 8, 0)
    assert row(cell) == row(cell)
    assert row(cell, seed=1) != row(cell)


def test_real_pairs_are_new_and_both_kinds_carry_their_code():
    law = SmoothedLaw(torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0)), None)
    settings = MemorizingBigan(latent=4)
    generator = memorizing(settings, 16, Stream(0))
    for pairs, different in [(real_pairs(law, 4), 500), (generated_pairs(generator), 16)]:
        images, codes = pairs(500, torch.Generator().manual_seed(1))
        flat, positions = images.flatten(1).double(), noise_positions(64, 4)
        assert torch.equal(flat[:, positions], codes.double())
        rest = np.delete(flat.numpy(), positions.numpy(), axis=1)
        assert len(np.unique(rest, axis=0)) == different
        assert float(codes.double().std()) == pytest.approx(1, abs=0.08)


def test_all_widths_of_a_seed_face_one_generator(monkeypatch):
    seen = []

    def spied(settings, support, stream):
        seen.append(memorizing(settings, support, stream).memory.detach().clone())
        return memorizing(settings, support, stream)

    monkeypatch.setattr("didlearn.studies.memorizing_bigan.measures.memorizing", spied)
    tiny = MemorizingBigan(steps=2, validation=10, test=10, seeds=2)
    for cell in (judged("memorizing", 8, 0), judged("memorizing", 8, 4), judged("memorizing", 8, 0, seed=1)):
        row(cell, tiny)
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[2])


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ({"measure": "beauty"}, "no measure 'beauty'; it has advantage, bigan, network, code, sets, lemmas"),
        (judged("dreaming", 8, 0), "no model 'dreaming'"),
        ({"measure": "code", "encoder": "none"}, "no encoder 'none'"),
        ({"measure": "sets", "model": "lazy", "size": 4, "width": 0, "seed": 0}, "no model 'lazy'"),
    ],
)
def test_unknown_cells_are_refused(cell, said):
    with pytest.raises(UsageError, match=said):
        row(cell)


def test_settings_that_study_nothing_are_refused():
    with pytest.raises(UsageError, match="at least one support"):
        MemorizingBigan(supports=())
    with pytest.raises(UsageError, match="sets of at least two"):
        MemorizingBigan(sets=(16, 1))


def made_up(support, width, share, seed, test=100_000):
    taken = round(test * (0.5 + share / 2))
    return judged("memorizing" if support else "honest", support, width, seed) | {
        "advantage": (2 * taken - test) / test,
        "real_taken": taken,
        "generated_taken": test - taken,
        "test": test,
        "parameters": 69,
    }


def test_seeds_are_pooled_with_the_larger_of_two_errors():
    even, uneven = (pool([made_up(16, 0, 0.2 + gap, 0), made_up(16, 0, 0.2 - gap, 1)])[0] for gap in (0.0, 0.1))
    assert even.advantage.value == pytest.approx(0.2)
    assert even.advantage.n == 400_000
    assert even.error == pytest.approx(math.sqrt(2 * 0.6 * 0.4 / 200_000), rel=0.01)
    assert uneven.error == pytest.approx(0.1, rel=0.01)


def test_what_is_found_out_is_so_for_all_lines_together():
    """An advantage of 2.5 standard errors is news alone, and expected among forty."""
    share = 2.5 * math.sqrt(2 * 0.25 / 100_000)
    (alone,) = pool([made_up(16, 0, share, 0)])
    assert alone.found_out
    among = pool([made_up(16 + i, 0, share, 0) for i in range(40)])
    assert not any(p.found_out for p in among)
    assert all(p.advantage.low > 0 for p in among), "each interval is one of 95 %"


def test_the_fall_of_a_square_root_is_minus_a_half():
    supports = (4, 64, 256, 1024, 4096, 2**20)
    share = {4: 0.9} | {m: 2 / m**0.5 for m in supports[1:5]} | {2**20: 0.2}
    settings = MemorizingBigan(supports=supports)
    slope = fall(settings, pool([made_up(m, 0, share[m], s) for m in supports for s in (0, 1)]), 0)
    # 4 is at the ceiling, and images of a memory of a million were not seen often enough to count.
    assert slope.n == 4
    assert slope.low < -0.5 < slope.high
    assert slope.value == pytest.approx(-0.5, abs=0.02)
    assert fall(settings, pool([made_up(64, 0, 0.3, 0)]), 0) is None


def test_the_summary_tells_what_was_found(rows):
    found = summary(QUICK, rows)
    advantage, code, network, sets, lemmas = found.tables
    verdicts = {(line[1], line[2]): line[-1] for line in advantage.rows}
    assert verdicts[4, 0] == verdicts[4, 16] == "yes"
    assert [line[0] for line in advantage.rows if line[2] == 0] == ["memorising"] * 2 + ["honest", "trained BiGAN"]
    assert len(advantage.rows) == 8
    assert len(network.rows) == 2
    assert len(code.rows) == 4
    assert [line[:3] for line in sets.rows[:4]] == [("memorising", 16, w) for w in (0, 16)] + [
        ("memorising", 2048, w) for w in (0, 16)
    ]
    assert len(sets.rows) == 8
    assert len(lemmas.rows) == 4
    plain, capacity, falling, _ = found.figures
    assert [s.label for s in capacity.series] == [
        "4 memorised images",
        "4096 memorised images",
        "honest",
        "trained BiGAN",
    ]
    assert all(s.x == tuple(sorted(s.x)) and len(s.x) == 2 for s in capacity.series)
    assert [len(s.x) for s in plain.series] == [2, 2]
    assert all(min(s.y) > 0 for s in falling.series)


def test_a_half_done_study_has_a_summary(rows):
    for count in range(len(rows)):
        summary(QUICK, rows[:count])


def test_the_linear_theory_is_the_gain_of_a_shift():
    rng = np.random.default_rng(0)
    means = rng.normal(size=(4000, 60)) / 1024**0.5
    told = [2 * 0.5 * (1 + math.erf(np.linalg.norm(m) / 2 / 2**0.5)) - 1 for m in means]
    assert linear_theory(1024, 60) == pytest.approx(np.mean(told), rel=0.02)
