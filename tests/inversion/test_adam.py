"""The published search is Adam with a cosine schedule: step by step what torch's own classes do."""

import subprocess
import sys

import pytest
import torch

from didlearn.derivatives.domain import Domain
from didlearn.inversion.adam import descend


class Bowl:
    """Residuals of a curved map, of which the first row breaks down far out."""

    def __call__(self, z):
        return torch.cat([z, z.square() - 1, torch.sqrt(z[:, :1] + 3)], dim=1)


def by_classes(target, z, steps):
    point = z.clone().requires_grad_()
    optimizer = torch.optim.Adam([point], lr=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        r = target(point)
        (r.square().sum(1) / r.shape[1]).sum().backward()
        point.grad.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)
        optimizer.step()
        schedule.step()
    return point.detach()


def test_it_is_adam_with_a_cosine_schedule():
    z = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    z[0] = -4.0  # where the map is not a number
    seen: list[int] = []
    found = descend(Bowl(), z, 40, Domain(), lambda count, errors: seen.append(count))
    torch.testing.assert_close(found[1:], by_classes(Bowl(), z, 40)[1:], rtol=1e-4, atol=1e-5)
    assert found[0].isfinite().all()
    assert seen == list(range(0, 80, 2))


def test_nothing_that_descends_loads_a_compiler():
    """The mistake this sees: two seconds of every inversion, or training, spent on loading what is not used."""
    code = (
        "import sys, torch\n"
        "from didlearn.derivatives.domain import Domain\n"
        "from didlearn.embeddings.training.optimizers import SGD, Adam, SparseAdam\n"
        "from didlearn.inversion.adam import descend\n"
        "descend(lambda z: z, torch.ones(2, 3), 3, Domain(), lambda *told: None)\n"
        "print('torch._dynamo' in sys.modules)\n"
        "for kind in (SGD, Adam, SparseAdam):\n"
        "    table = torch.nn.Embedding(3, 2, sparse=kind is SparseAdam)\n"
        "    optimizer = kind(list(table.parameters()), 0.1)\n"
        "    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=3)\n"
        "    optimizer.zero_grad()\n"
        "    table(torch.tensor([1])).sum().backward()\n"
        "    optimizer.step()\n"
        "    schedule.step()\n"
        "    optimizer.load_state_dict(optimizer.state_dict())\n"
        "    print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"] * 4


@pytest.mark.parametrize("steps", [0, 1])
def test_few_steps(steps):
    z = torch.ones(2, 2)
    assert torch.equal(descend(lambda z: z, z, steps, Domain(), lambda *told: None), z) is (steps == 0)
