"""From how typical the latents are to a verdict."""

from __future__ import annotations

from didlearn.checks.groups import estimate_key
from didlearn.checks.inversion.own_inverse.measure import GENERATED, Group, beyond_own, beyond_prior, nominal
from didlearn.checks.inversion.verdict import InversionLimits
from didlearn.result.effects import hold, wider
from didlearn.result.parts import Decision, settled_by, settled_by_more
from didlearn.result.values import Effect, Estimate, Settles, is_significant
from didlearn.result.words import number, percent
from didlearn.statistics.intervals import proportion
from didlearn.statistics.planning import draws_to_settle

ZERO_DISTANCE = "every image lies on its manifold, and a distance of zero says nothing"
_EFFECTS = 2  # latents that are not typical, and training images whose latents are more so than held-out ones'


def without_inverse(name: str) -> Decision:
    """Say what is missing where a generator has a density, and no way back."""
    reason = f"{ZERO_DISTANCE}: its latent is as large as its images"
    need = Settles(clause=f"give {name} a method encode(x) that returns the latent of an image", of="inverse")
    return Decision("inconclusive", f"{reason}; {need.clause}", f"Open: {reason}; {need.clause}.", need)


def judge_latents(
    estimates: dict[str, Estimate], groups: dict[str, Group], limits: InversionLimits, atypical: float, *, honest: bool
) -> Decision:
    """Decide whether the generator makes its training images as it makes its own.

    ``inconclusive``: fewer than ``limits.required`` of its own images are made again from the latents found. ``fail``:
    the share of training images whose latents are farther from typical than its own images', kept in as many bits,
    exceeds the nominal one by more than ``atypical``, or they are more typical than held-out ones', where the held-out
    set is honest. ``pass``: a share within is shown, of latents farther off than the prior's own draws or than those of
    its own images; as far as images of shuffled pixels are told so. Else ``inconclusive``.
    """
    own, train = groups[GENERATED], groups["train"]
    said = _said(estimates)
    if estimates["recovered"].point < limits.required:
        found = percent(estimates["recovered"].point)
        settles = Settles(clause="a more exact inverse is needed (shorter steps, more passes)", of="inverse")
        reason = f"its inverse finds the latents of only {found} of its own images again: {settles.clause}"
        return Decision("inconclusive", reason, f"{said} But {reason}.", settles)
    share, tolerance = limits.share / _EFFECTS, min(1.0, nominal(own) + atypical)
    beside_own = _effect("atypical_latents_train", beyond_own(train, own), train, tolerance, limits.level, share)
    beside_prior = _effect("atypical_prior_train", beyond_prior(train), train, tolerance, limits.level, share)
    if beside_own.outcome == "beyond":
        reason = beside_own.wrong
        return Decision("fail", reason, f"{said} It does not make such images: {reason}.", effects=(beside_own,))
    if honest and is_significant(estimates.get("latent_closer_pvalue"), (1 - limits.level) * share):
        reason = "training images have more typical latents than held-out ones: it fits the images it was shown"
        return Decision("fail", reason, f"{said} And {reason}.", effects=(beside_own,))
    for effect, name in ((beside_prior, "atypical_prior_noise"), (beside_own, "atypical_latents_noise")):
        if effect.outcome == "within" and estimates[name].low_or(0.0) > nominal(own):
            reason = (
                f"at most {percent(tolerance)} of the training images are shown to have latents that are not typical"
            )
            return Decision("pass", reason, f"{said} It makes such images.", effects=(effect,))
    if "within" in (beside_own.outcome, beside_prior.outcome):
        settles = settled_by_more("images")
        reason = f"not even shuffled pixels are told from its own images; {settles.clause}"
        return Decision("inconclusive", reason, f"{said} Open: {reason}.", settles)
    settles = _more_images(beyond_own(train, own), len(train.scores), tolerance, limits, share)
    reason = f"the share whose latents are not typical is not settled; {settles.clause}"
    return Decision("inconclusive", reason, f"{said} Open: {reason}.", settles)


def _effect(name: str, outside: int, train: Group, tolerance: float, level: float, share: float) -> Effect:
    count = len(train.scores)
    return hold(
        lambda level: proportion(outside, count, level),
        estimate=name,
        wrong=f"the latents of {percent(outside / count)} of its training images are not typical of it",
        tolerance=tolerance,
        level=level,
        share=share,
    )


def _more_images(outside: int, count: int, tolerance: float, limits: InversionLimits, share: float) -> Settles:
    def few(hits: int, trials: int) -> bool:
        return proportion(hits, trials, limits.level).high_or(1.0) <= tolerance

    def many(hits: int, trials: int) -> bool:
        return proportion(hits, trials, wider(limits.level, share)).low_or(0.0) > tolerance

    needed = draws_to_settle(outside, count, few=few, many=many)
    return settled_by_more("images") if needed is None else settled_by(needed, "images")


def _said(estimates: dict[str, Estimate]) -> str:
    train, own = (estimates[estimate_key("latent_size", name)].point for name in ("train", GENERATED))
    beside_prior, beside_own = (estimates[f"atypical_{beside}_train"].point for beside in ("prior", "latents"))
    return (
        f"The latents of {percent(beside_prior)} of its training images are farther from typical than 95 % of the "
        f"prior's draws are. Of {percent(beside_own)} they are farther than its own images' (mean square "
        f"{number(train)}, of its own {number(own)}). Its latent is as large as its images: {ZERO_DISTANCE}."
    )
