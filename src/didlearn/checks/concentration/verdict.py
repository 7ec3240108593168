"""What the numbers of the concentration check say in a sentence or two; there is nothing to pass or fail."""

from __future__ import annotations

from didlearn.result.parts import Decision
from didlearn.result.values import Estimate
from didlearn.result.words import number

_GROWTH = 0.5  # of log r_Q against log dimension: half way from bounded to proportional
_MUCH = 3.0


def judge_concentration(estimates: dict[str, Estimate], why: str) -> Decision:
    """Say what was measured, where anything was; the arguments are those of ``concentration_answer``."""
    if not estimates:
        reason = "there is no latent to change, and the features of its images do not vary"
        return Decision("inconclusive", reason, f"Open: {reason}.")
    reason = "there is no constant that a generator should have; read it beside the held-out images' numbers"
    return Decision("measured", reason, concentration_answer(estimates, why))


def concentration_answer(estimates: dict[str, Estimate], why: str) -> str:
    """Put the findings into words.

    Args:
        estimates: of the check; those of the Lipschitz constant or of the quadratic forms may be missing.
        why: what kept the constant from being known, where it is missing.
    """
    parts = []
    if "lipschitz" in estimates:
        parts.append(_constant(estimates["lipschitz"], estimates["lipschitz_typical"].point))
    elif why:
        parts.append(f"Its Lipschitz constant is not known: {why}.")
    if "quadratic_slope" in estimates:
        parts.append(_growth(estimates["quadratic_slope"].value, estimates["quadratic_ratio"].point))
    return " ".join(parts)


def _constant(constant: Estimate, typical: float) -> str:
    low, at_typical = number(constant.point), f"(at a typical latent {number(typical)})"
    if constant.high is None:
        return f"Its Lipschitz constant is at least {low} {at_typical}."
    return f"The generator is Lipschitz, with a constant between {low} and {number(constant.high)} {at_typical}."


def _growth(slope: float | None, ratio: float) -> str:
    varies = f"‖x‖² of its features varies {number(ratio)} times as much as a Gaussian's"
    if slope is None:
        return f"{varies}; they have too few dimensions to say whether that grows with the dimension."
    if slope > _GROWTH and ratio > _MUCH:
        return (
            f"But {varies}, and the more the more dimensions are looked at: such features do not concentrate, and "
            "what is proved for those that do does not hold for them."
        )
    return f"{varies}, and that does not grow in proportion to the dimension: they concentrate."
