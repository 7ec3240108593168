import numpy as np
import torch

from didlearn.rng import Stream, derive_seed, generator, named_noise


def test_a_stream_depends_on_its_names_and_nothing_else():
    first = generator(3, "support", "heldout").random(5)
    generator(3, "memorization").random(1000)
    assert np.array_equal(first, generator(3, "support", "heldout").random(5))
    assert not np.array_equal(first, generator(4, "support", "heldout").random(5))
    assert not np.array_equal(first, generator(3, "heldout", "support").random(5))


def test_names_do_not_run_together():
    assert derive_seed(0, "ab", "c") != derive_seed(0, "a", "bc")
    assert derive_seed(0, "a", 1) != derive_seed(0, "a", 11)


def test_a_child_is_the_longer_name():
    assert np.array_equal(Stream(1, ("a",)).child("b").numpy("c").random(3), generator(1, "a", "b", "c").random(3))


def test_global_generators_stay_untouched():
    np.random.seed(0)
    torch.manual_seed(0)
    before = np.random.get_state(legacy=False)["state"]["key"].copy(), torch.get_rng_state().clone()
    Stream(0).numpy("x").random(10)
    torch.randn(3, generator=Stream(0).torch("x"))
    assert np.array_equal(before[0], np.random.get_state(legacy=False)["state"]["key"])
    assert torch.equal(before[1], torch.get_rng_state())


def test_seeds_look_independent():
    draws = np.array([generator(0, "unit", i).standard_normal() for i in range(4000)])
    assert abs(draws.mean()) < 5 / np.sqrt(4000)
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 5 / np.sqrt(4000)


def test_noise_of_the_cpu_is_that_of_its_seed_and_no_gpu_is_seeded(monkeypatch):
    """Where no GPU is in use yet, torch notes the seed for later with the stack of who gave it: milliseconds a call."""
    seeded: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    stream, before = Stream(3, ("noise",)), torch.get_rng_state()
    with named_noise(stream, "cpu"):
        found = torch.randn(5)
    wanted = torch.randn(5, generator=torch.Generator().manual_seed(derive_seed(3, "noise")))
    assert torch.equal(found, wanted)
    assert torch.equal(torch.get_rng_state(), before)
    assert seeded == []
