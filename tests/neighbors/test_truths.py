import pytest
import torch

from didlearn.neighbors.truths import any_true, count_true, first_true


@pytest.mark.parametrize("share", [0.0, 0.01, 0.9, 1.0])
@pytest.mark.parametrize("dim", [0, 1])
def test_they_are_what_a_loop_says(share, dim):
    inside = torch.rand(40, 300, generator=torch.Generator().manual_seed(0)) < share
    for some in (inside, inside[:, ::3]):
        lines = some.unbind(1 - dim)
        assert count_true(some, dim).tolist() == [sum(line.tolist()) for line in lines]
        assert any_true(some, dim).tolist() == [any(line.tolist()) for line in lines]
        assert first_true(some, dim).tolist() == [[*line.tolist(), True].index(True) % len(line) for line in lines]
        assert count_true(some, dim).dtype == first_true(some, dim).dtype == torch.int64


def test_a_device_is_not_asked_for_its_numbers():
    inside = torch.ones(3, 4, dtype=torch.bool, device="meta")  # numpy sees no device but the CPU
    assert any_true(inside, 1).device == first_true(inside, 1).device == inside.device
