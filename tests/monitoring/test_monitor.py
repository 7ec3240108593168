"""The monitor audits when it is due, says what an audit says, and leaves the training bit for bit as it was."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

import didlearn as dl
from didlearn.audit.spec import build_checks
from didlearn.errors import UsageError
from didlearn.monitoring.numbers import flat_numbers
from didlearn.result.passed_on.history import read_history
from tests.result.passed_on.audits import audit

DIGITS = dl.open_images("digits")
TRAIN, HELDOUT = DIGITS.subset(range(900)), DIGITS.subset(range(900, 1400))
QUICK = build_checks(["fidelity"], {"fidelity": {"samples": 200, "permutations": 19}})


class Generator(nn.Module):
    """A small generator with what is wrong in training mode: dropout, and statistics of the batch."""

    latent_shape = (6,)
    value_range = (0, 1)

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(6, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 64), nn.Sigmoid()
        )

    def forward(self, z):
        return self.layers(z).view(-1, 1, 8, 8)


def trained(monitor, steps=6):
    """Train, asking the monitor after every step; return the weights, and what it said."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model, said = Generator().train(), []
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        for step in range(1, steps + 1):
            loss = model(torch.randn(32, 6)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            said.append(monitor(model, step) if monitor else {})
            assert all(part.training for part in model.modules())
        return model, said


def test_it_audits_every_so_many_steps_and_changes_no_bit_of_the_training():
    monitor = dl.Monitor(TRAIN, HELDOUT, QUICK, every=3, threads=1)
    model, said = trained(monitor)
    alone, _ = trained(None)
    assert [bool(numbers) for numbers in said] == [False, False, True, False, False, True]
    for (name, value), other in zip(model.state_dict().items(), alone.state_dict().values(), strict=True):
        assert (value == other).all(), name
    assert said[2] != said[5]
    assert monitor.numbers == said[5]


class Uncopiable(Generator):
    def __deepcopy__(self, memo):
        raise TypeError("no copies")


def test_a_model_that_cannot_be_copied_trains_on_all_the_same():
    model = Uncopiable().train()
    model.layers[0].bias.requires_grad_(False)
    before = copy.copy(model.state_dict())
    dl.Monitor(TRAIN, HELDOUT, QUICK, every=1, threads=1)(model, 1)
    assert all(part.training for part in model.modules())
    wanted = [parameter.requires_grad for parameter in model.parameters()]
    assert wanted == [True, False] + [True] * (len(wanted) - 2) or wanted.count(False) == 1
    assert all((model.state_dict()[name] == value).all() for name, value in before.items())


def test_it_says_what_an_audit_of_the_model_in_evaluation_mode_says():
    model = Generator().train()
    monitor = dl.Monitor(TRAIN, HELDOUT, QUICK, every=1, seed=3, threads=1)
    numbers = monitor(model, 1)
    plain = dl.audit(
        train=TRAIN, heldout=HELDOUT, generator=copy.deepcopy(model).eval(), checks=QUICK, seed=3, threads=1
    )
    assert numbers == flat_numbers(plain)
    assert numbers["fidelity/precision"] == plain["fidelity"].estimates["precision"].value


def test_numbers_are_flat_and_what_is_absent_is_no_number():
    numbers = flat_numbers(audit())
    assert numbers["memorization/copied_fraction/low"] == 0.2
    assert numbers["memorization/copy_threshold"] == 0.125
    assert "memorization/copy_threshold/low" not in numbers
    assert numbers["support/effective_support/low"] == 17_316
    assert "support/effective_support" not in numbers
    assert "support/effective_support/high" not in numbers
    assert (numbers["support/failed"], numbers["memorization/passed"], numbers["fidelity/failed"]) == (1, 1, 0)
    assert not any(name.startswith(("inversion/", "typicality/", "gaussianity/failed")) for name in numbers)
    assert all(isinstance(value, float) and np.isfinite(value) for value in numbers.values())


def test_audits_that_took_their_share_of_the_time_wait(monkeypatch):
    monitor = dl.Monitor(TRAIN, HELDOUT, QUICK, every=1, budget=0.5, threads=1)
    now = 0.0
    monitor._clock = lambda: now
    monkeypatch.setattr(monitor, "audit", lambda model, step: {"asked": float(step)})
    assert monitor(None, 1)
    monitor._taken = 10.0
    now = 19.0
    assert not monitor(None, 2)
    now = 20.0
    assert monitor(None, 3)


def test_a_planted_fault_is_seen_while_it_trains(tmp_path):
    told = []
    file = tmp_path / "history.jsonl"
    monitor = dl.Monitor(
        TRAIN, HELDOUT, ("memorization",), every=100, samples=400, threads=1, history=file,
        trackers=[lambda numbers, step: told.append((step, numbers["memorization/failed"]))],
    )  # fmt: skip
    unseen, copies = DIGITS.subset(range(1400, 1797)), TRAIN.subset(range(400))
    monitor(unseen, 100)
    monitor(copies, 200)
    assert told == [(100, 0.0), (200, 1.0)]
    assert [(e.step, e.checks["memorization"].verdict == "fail") for e in read_history(file).entries] == [
        (100, False), (200, True),
    ]  # fmt: skip


@pytest.mark.parametrize("wrong", [{"every": 0}, {"budget": 0}, {"budget": 1.5}, {"checks": ("suport",)}])
def test_what_cannot_be_used_is_refused(wrong):
    with pytest.raises(UsageError):
        dl.Monitor(TRAIN, HELDOUT, **wrong)
