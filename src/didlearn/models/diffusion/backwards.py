"""One step of a sampler run backwards: the x with step(x) = y, by fixed-point iteration with Anderson's mixing.

x′ = scale · x + δ(x) gives x = (y − δ(x)) / scale, a contraction where the step is short. Mixing the last few iterates
(Anderson 1965; Walker & Ni 2011) finds the same point in fewer passes, and finds it where the step is longer too.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

StepMap = Callable[[Tensor], Tensor]
_HISTORY = 6
_RIDGE = 1e-10  # of the largest: differences that have become alike
_PRECISION = {torch.float64: 1e-11}
_SINGLE = 1e-6


@torch.no_grad()
def undo(step: StepMap, scale: float, y: Tensor, start: Tensor, passes: int) -> tuple[Tensor, Tensor]:
    """Return x (n, D) with step(x) = y, and the root mean square (n,) of step(x) − y over that of y.

    Every image is iterated until that is lost in rounding, at most ``passes`` times, and its best iterate is kept.

    Args:
        step: of (n, D). scale: what it multiplies x by. y: (n, D). start: (n, D), a first guess.
    """
    size = y.square().mean(dim=1).sqrt().clamp_min(torch.finfo(y.dtype).tiny)
    enough = _PRECISION.get(y.dtype, _SINGLE)
    best, least = start, torch.full_like(size, torch.inf)
    x = start
    iterates: list[Tensor] = []
    defects: list[Tensor] = []
    for _ in range(passes):
        defect = (y - step(x)) / scale
        error = scale * defect.square().mean(dim=1).sqrt() / size
        better = error < least  # never of NaN
        best, least = torch.where(better[:, None], x, best), torch.where(better, error, least)
        if bool((least <= enough).all()):
            break
        iterates, defects = [*iterates, x][-_HISTORY:], [*defects, defect][-_HISTORY:]
        x = torch.where((least <= enough)[:, None], best, _mixed(iterates, defects))
    return best, least


def _mixed(iterates: list[Tensor], defects: list[Tensor]) -> Tensor:
    """Return the next iterate: of the mixtures of the last ones, that of the least defect, and its defect added."""
    x, f = iterates[-1], defects[-1]
    if len(iterates) == 1:
        return x + f
    changes = torch.stack([f - old for old in defects[:-1]], dim=2)
    moves = torch.stack([x - old for old in iterates[:-1]], dim=2)
    wide = changes.double()
    gram = wide.mT @ wide
    ridge = _RIDGE * gram.diagonal(dim1=1, dim2=2).amax(dim=1).clamp_min(1e-300)
    gram = gram + ridge[:, None, None] * torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device)
    weights, failed = torch.linalg.solve_ex(gram, wide.mT @ f.double()[:, :, None])
    usable = (failed == 0) & torch.isfinite(weights).all(dim=(1, 2))
    weights = torch.where(usable[:, None, None], weights, torch.zeros_like(weights)).to(f.dtype)
    return x + f - ((moves + changes) @ weights)[:, :, 0]
