"""How hard likelihoods are estimated."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_BUDGET = 120  # what search and pilot need


@dataclass(frozen=True)
class ChainEffort:
    """Parameters of annealed importance sampling that both checks share (see ``log_evidence``).

    Attributes:
        images: of each group. chains: for each image.
        budget: gradient evaluations of each chain, search and pilot included.
        observation: ``"gaussian"``, ``"laplace"`` or ``"bernoulli"``.
        sigma: standard deviation of the observation; calibrated on held-out images when ``None``.
    """

    images: int
    chains: int
    budget: int
    observation: str
    sigma: float | None

    def share(self, parts: int) -> int:
        """Return the budget divided by ``parts``, and no less than search and pilot need."""
        return max(self.budget // parts, LEAST_BUDGET)
