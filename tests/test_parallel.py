import threading

import pytest
import torch

from didlearn.parallel import UNIT, map_units, unit_ranges


def test_units_do_not_depend_on_the_batch_size():
    assert unit_ranges(1000, 64) == unit_ranges(1000, 1000)
    assert [len(u) for u in unit_ranges(70, 1000)] == [UNIT, UNIT, 70 - 2 * UNIT]
    assert max(len(u) for u in unit_ranges(100, 8)) == 8
    assert unit_ranges(0, 64) == []


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_order(threads):
    told = []
    out = map_units(lambda u: u.start, 330, batch_size=1000, threads=threads, advance=told.append)
    assert out == [u.start for u in unit_ranges(330, 1000)]
    assert sum(told) == 330


def test_each_unit_has_one_thread_and_the_setting_comes_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        seen = map_units(lambda _: (torch.get_num_threads(), threading.get_ident()), 320, batch_size=320, threads=2)
        assert {n for n, _ in seen} == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_an_error_in_a_unit_reaches_the_caller():
    def fail(unit):
        raise ValueError(f"unit {unit.start}")

    with pytest.raises(ValueError, match="unit 0"):
        map_units(fail, 100, threads=2)
