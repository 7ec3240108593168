"""Optimizers that load no compiler: step by step, and to the bit, what torch's own do."""

import pytest
import torch
from torch import nn

from didlearn.embeddings.training import optimizers


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("Adam", {"betas": (0.5, 0.9)}),
        ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}),
        ("SparseAdam", {}),
    ],
)
def test_their_steps_are_torch_s(name, more):
    def trained(kind):
        table = nn.Embedding.from_pretrained(torch.linspace(-1, 1, 21).view(7, 3), False, sparse=name == "SparseAdam")
        optimizer = kind(list(table.parameters()), 0.1, **more)
        decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 9)
        for step in range(9):
            optimizer.zero_grad()
            (table(torch.tensor([step % 7, 2])) ** 2 - table(torch.tensor([4]))).exp().sum().backward()
            optimizer.step()
            decay.step()
        return table.weight.detach(), optimizer.state_dict()

    (weights, state), (own, own_state) = (trained(getattr(place, name)) for place in (optimizers, torch.optim))
    assert torch.equal(weights, own)
    assert not torch.equal(weights, torch.linspace(-1, 1, 21).view(7, 3))
    assert state["param_groups"] == own_state["param_groups"]
    for key, value in own_state["state"][0].items():
        torch.testing.assert_close(state["state"][0][key], value, rtol=0, atol=0)


def test_a_step_leaves_gradients_as_they_were_switched():
    weight = nn.Parameter(torch.ones(2))
    weight.grad = torch.ones(2)
    optimizers.Adam([weight], 0.1).step()
    assert torch.is_grad_enabled()
    assert weight.is_leaf
