"""What is said of walks: it describes and decides nothing."""

from __future__ import annotations

from didlearn.result.parts import Decision
from didlearn.result.values import Estimate
from didlearn.result.words import number, percent

_JUMP = 0.5


def describe_walks(estimates: dict[str, Estimate], steps: int) -> Decision:
    """Say how long walks are, and whether they go in even steps.

    A walk whose largest step is more than half of it is called a jump: a smooth generator's is little more than 1 / s,
    one that makes a few images is still but for the jumps between them.
    """
    kind = "spherical" if "detour_spherical" in estimates else "straight"
    largest = estimates[f"largest_step_{kind}"].value
    if largest is None:
        return Decision("measured", "its images do not change on the way", "Its images do not change with the latent.")
    how = "jumps from image to image" if largest > _JUMP else "changes its images step by step"
    reason = f"the largest of {steps} steps is {percent(largest)} of a {kind} walk on average"
    length = estimates.get(f"path_length_{kind}")
    beside = (
        ""
        if length is None or length.value is None
        else (f"; such a walk is {number(length.value)} times as long as two real images are apart")
    )
    return Decision("measured", reason, f"It {how}: {reason} (even steps: {percent(1 / steps)}){beside}.")
