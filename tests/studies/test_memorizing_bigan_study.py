import json

import pytest

from didlearn.rng import Stream
from didlearn.studies.memorizing_bigan import NAME
from didlearn.studies.memorizing_bigan_study import MemorizingBiganStudy
from didlearn.studies.study import Place


def made_up(support, share):
    cell = {"measure": "advantage", "model": "memorizing", "support": support, "width": 0, "seed": 0}
    taken = round(10_000 * (0.5 + share / 2))
    counts = {"real_taken": taken, "generated_taken": 10_000 - taken, "test": 10_000, "parameters": 69}
    return cell | counts | {"advantage": share}


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({}, "No discriminator was trained yet"),
        ({4: 0.9, 64: 0.4, 4096: 0.0}, "with up to 64 images, and none did above that"),
        ({4: 0.9, 64: 0.4}, "Even with 64 memorised images"),
        ({64: 0.0, 4096: 0.0}, "No discriminator found the memorising BiGAN out, from 64 images up"),
    ],
)
def test_the_answer_is_what_the_rows_show(shares, said):
    result = MemorizingBiganStudy().summarise([made_up(m, share) for m, share in shares.items()])
    assert said in result.answer
    assert result.check == NAME
    json.dumps(result.model_dump(mode="json"), allow_nan=False)


def test_settings_come_from_text_and_cells_run(tmp_path):
    study = MemorizingBiganStudy.make({"supports": "4,16", "widths": "0,4", "seeds": "1", "steps": "5", "test": "50"})
    cells = study.cells()
    assert len(cells) == 3 + 2 + 6
    row = study.run_cell(cells[-1], Stream(0), Place(tmp_path, tmp_path))
    assert 0 <= row["real_taken"] <= 50
    assert len(MemorizingBiganStudy.make({}, full=True).widths) == 5
