"""Files made wrong, a few for each reader: an answer or an error of ours. ``make fuzz`` runs as many as one likes."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.mutations import numbered
from tests.fuzz.targets import TARGETS, Case

FEW = {"parquet": 2, "pt2": 2, "audit.json": 2, "arrays.npz": 2, "labels result": 2, "model.json": 6}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TARGETS)
def test_a_file_made_wrong_ends_in_an_answer_or_a_sentence(name, tmp_path, monkeypatch):
    if name == "pt2":  # the process of its own, which loads torch again, is that of ``make fuzz``
        monkeypatch.setattr("didlearn.exported.archive.try_out", lambda path: None)
    if name == "parquet":
        datasets = pytest.importorskip("datasets")
        datasets.config.HF_DATASETS_CACHE = tmp_path / "cache"
    case = Case(TARGETS[name], tmp_path / "case")
    case.path.write_bytes(case.sound[0])
    TARGETS[name].read(case.folder)  # what is sound is read

    @settings(max_examples=FEW.get(name, 12), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 2**40))
    def run(number):
        case.write(numbered(name, number))
        case.read()

    run()
