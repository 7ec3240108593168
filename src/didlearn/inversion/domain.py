"""Where latents may lie: everywhere, in a ball, or in the box of a uniform prior."""

from __future__ import annotations

import math

from scipy.stats import chi2

from didlearn.derivatives.domain import Domain
from didlearn.errors import UsageError
from didlearn.models.base import LatentModel
from didlearn.models.prior import prior_of


def domain_of(model: LatentModel, clip: float | None) -> Domain:
    """Return where the model's latents may lie.

    The support of a uniform prior is a box that latents never leave: outside it, images are not the model's.
    ``clip``: of a normal prior, the ball that holds this share of it, ‖z‖² ≤ χ²_d quantile.

    Raises:
        UsageError: ``clip`` is not a share, or the prior is not normal.
    """
    prior = prior_of(model)
    if clip is None:
        return Domain(bound=1.0 if prior == "uniform" else math.inf)
    if prior != "normal" or not 0 < clip < 1:
        raise UsageError(
            f"clip={clip} with a prior {prior}; give a share between 0 and 1 of a normal prior's mass, such as 0.99"
        )
    return Domain(radius=math.sqrt(float(chi2.ppf(clip, math.prod(model.latent_shape)))))
