"""The nearest points of a ball and a box, and the directions that stay inside."""

import torch

from didlearn.derivatives.domain import Domain


def test_projection_is_the_nearest_point():
    z = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    assert torch.allclose(Domain(radius=1.0).project(z), torch.tensor([[0.6, 0.8], [0.3, 0.4]]))
    assert torch.allclose(Domain(bound=1.0).project(z), torch.tensor([[1.0, 1.0], [0.3, 0.4]]))
    assert torch.equal(Domain().project(z), z)


def test_only_what_points_out_of_the_domain_is_removed():
    z = torch.tensor([[1.0, 0.0]])
    out, inside = torch.tensor([[-2.0, 5.0]]), torch.tensor([[2.0, 5.0]])  # descent goes against the gradient
    for domain in (Domain(radius=1.0), Domain(bound=1.0)):
        assert torch.allclose(domain.free(z, out), torch.tensor([[0.0, 5.0]]))
        assert torch.allclose(domain.free(z, inside), inside)
