"""How hard likelihoods are estimated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

LEAST_BUDGET = 120  # what search and pilot need
FEW = 8  # held-out images that σ is chosen on
SIGMAS_TRIED = 6  # about so many values of it, at half the budget each
_PUBLISHED = (("start", "prior"), ("mass", "identity"), ("leapfrog", 10))


@dataclass(frozen=True)
class ChainEffort:
    """Parameters of annealed importance sampling that both checks share (see ``log_evidence``).

    Attributes:
        images: of each group. chains: for each image.
        budget: gradient evaluations of each chain, search and pilot included.
        observation: ``"gaussian"``, ``"laplace"`` or ``"bernoulli"``.
        sigma: standard deviation of the observation; calibrated on held-out images when ``None``.
        schedule: of inverse temperatures. temperatures: their number; what the budget leaves when ``None``.
        published: whether chains start in the prior, with unit mass and 10 leapfrog steps, as published.
    """

    images: int
    chains: int
    budget: int
    observation: str
    sigma: float | None
    schedule: str = "equal"
    temperatures: int | None = None
    published: bool = False

    def settings(self) -> dict[str, Any]:
        """Return what ``log_evidence`` is told beside budget and chains."""
        said: dict[str, Any] = {} if self.schedule == "equal" else {"schedule": self.schedule}
        if self.temperatures is not None:
            said["temperatures"] = self.temperatures
        return said | (dict(_PUBLISHED) if self.published else {})

    def as_published(self) -> ChainEffort:
        """Return the effort of Friedman & Weiss (2024): 500 temperatures, 10 leapfrog steps, 4 chains, prior start."""
        return replace(self, chains=4, schedule="sigmoid", temperatures=500, published=True)

    def passes(self, images: float) -> float:
        """Return about how many passes the chains of so many images take, with the choice of σ and both bounds.

        A gradient is a pass forwards and one backwards.
        """
        chosen = self.sigma is None and self.observation != "bernoulli"
        return self.passes_of_image(self.budget) * (images + self.images) + chosen * self.passes_of_choice()

    def passes_of_choice(self) -> float:
        """Return about how many passes the choice of σ takes."""
        return SIGMAS_TRIED * min(self.images, FEW) * self.passes_of_image(self.share(2))

    def passes_of_image(self, budget: int) -> float:
        """Return how many passes the chains of one image take with so many gradients each, forwards and backwards."""
        return 2.0 * self.chains * budget

    def share(self, parts: int) -> int:
        """Return the budget divided by ``parts``, and no less than search and pilot need."""
        return max(self.budget // parts, LEAST_BUDGET)
