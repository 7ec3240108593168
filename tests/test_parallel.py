import sys
import threading
import time
from contextlib import nullcontext

import pytest
import torch
from threadpoolctl import threadpool_info

from didlearn.parallel import UNIT, _libraries, in_threads, limited_blas, map_units, one_thread, units_in_flight


def test_units_are_consecutive_and_the_last_is_what_is_left():
    assert map_units(lambda u: u, 70) == [range(32), range(32, 64), range(64, 70)]
    assert map_units(len, 20, unit=8) == [8, 8, 4]
    assert map_units(len, 0) == []


def test_a_batch_limits_the_units_in_flight():
    assert units_in_flight(4 * UNIT, 8) == 4
    assert units_in_flight(4 * UNIT, 3) == 3
    assert units_in_flight(UNIT - 1, 3) == 1


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_order(threads):
    told: list[int] = []
    out = map_units(lambda u: u.start, 330, threads=threads, advance=told.append)
    assert out == [*range(0, 330, UNIT)]
    assert told == [*range(UNIT, 330, UNIT), 330]


def test_each_unit_has_one_thread_and_the_setting_comes_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        seen = map_units(lambda _: (torch.get_num_threads(), threading.get_ident()), 320, threads=2)
        assert {n for n, _ in seen} == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_an_error_in_a_unit_reaches_the_caller():
    def fail(unit):
        raise ValueError(f"unit {unit.start}")

    with pytest.raises(ValueError, match="unit 0"):
        map_units(fail, 100, threads=2)


def test_what_has_not_begun_is_dropped_when_the_reader_stops():
    begun = []

    def work(item):
        begun.append(item)
        time.sleep(0.01)
        return item

    results = in_threads(work, range(1000), 2)
    assert [next(results), next(results)] == [0, 1]
    results.close()  # type: ignore[attr-defined]
    assert len(begun) < 100


def test_libraries_are_held_to_a_number_of_threads_and_put_back():
    def threads():
        return {library["num_threads"] for library in threadpool_info()}

    with limited_blas(2):
        assert threads() == {2}
        with one_thread():
            assert threads() == {1}
        assert threads() == {2}


def test_libraries_are_looked_for_anew_once_modules_were_imported(monkeypatch):
    """The mistake this sees: a library that came with a later module, and was never held to its threads."""
    found = []

    class Looking:
        def __init__(self):
            found.append(len(sys.modules))

        def limit(self, *, limits):
            return nullcontext()

    monkeypatch.setattr("didlearn.parallel.ThreadpoolController", Looking)
    _libraries.cache_clear()
    for name in ("later", "later still"):
        monkeypatch.setitem(sys.modules, name, sys)
        for _ in range(3):
            with limited_blas(1):
                pass
    _libraries.cache_clear()
    assert len(found) == 2
