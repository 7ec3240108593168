"""How annealed importance sampling is run."""

from __future__ import annotations

from dataclasses import dataclass

from didlearn.errors import UsageError

STARTS = ("laplace", "mixture", "prior", "encoder")
SCHEDULES = ("equal", "sigmoid", "linear")
_MASSES = ("jacobian", "identity")


@dataclass(frozen=True)
class Settings:
    """Parameters of one annealing run.

    Attributes:
        chains: independent chains for each image.
        budget: gradient evaluations for each chain, everything included: search, pilot, counted run.
        start: where chains start: the inflated Laplace approximation; a mixture of such at every mode found and of the
            prior; the prior; or the model's encoder.
        schedule: of inverse temperatures. mass: dense, from the decoder's Jacobian, or 1.
        leapfrog: steps of a trajectory.
        temperatures: steps of the schedule; what the budget leaves when ``None``, and else the budget is that of the
            search alone.
        knots, transitions: temperatures of the pilot and moves at each.
        search: largest share of the budget spent on the search of the mode.
        inflation: of the Laplace approximation's covariance. prior_weight: of the prior in the mixture.
    """

    chains: int = 16
    budget: int = 500
    start: str = "mixture"
    schedule: str = "equal"
    mass: str = "jacobian"
    leapfrog: int = 3
    temperatures: int | None = None
    knots: int = 8
    transitions: int = 2
    search: float = 0.15
    inflation: float = 1.3
    prior_weight: float = 0.05

    def __post_init__(self) -> None:
        for name, offered in (("start", STARTS), ("schedule", SCHEDULES), ("mass", _MASSES)):
            if getattr(self, name) not in offered:
                raise UsageError(f"{name} is {getattr(self, name)!r}; give one of {', '.join(offered)}")
        if self.chains < 2:
            raise UsageError(f"{self.chains} chains cannot tell how far to trust their mean; give at least 2")
        if self.leapfrog < 1:
            raise UsageError(f"leapfrog is {self.leapfrog}; give at least 1 step")
        if self.temperatures is not None and self.temperatures < 1:
            raise UsageError(f"temperatures is {self.temperatures}; give at least 1, or leave it to the budget")
        if self.mass == "identity" and self.start in ("laplace", "mixture"):
            raise UsageError(f'the start {self.start!r} needs the Jacobian; give start="prior" with mass="identity"')
        if self.temperatures is None and self.budget < self.fewest:
            raise UsageError(
                f"a budget of {self.budget} gradient evaluations is too small; give at least {self.fewest}"
            )

    @property
    def fewest(self) -> int:
        """The least budget that search, pilot and five temperatures fit in."""
        return 20 + 2 * (1 + self.knots * self.transitions * self.leapfrog)

    @property
    def search_evaluations(self) -> int:
        """At most so many evaluations for the search."""
        return min(200, max(12, int(self.budget * self.search)))
