"""Where the likelihoods of real images lie among those of the model's own, on the page."""

from __future__ import annotations

import numpy as np

from didlearn.arrays import Floats
from didlearn.checks.groups import estimate_key, role_of
from didlearn.checks.log_likelihood.bounds import Likelihoods
from didlearn.result.values import Estimate, Figure, Mark, Role, Series, Table
from didlearn.result.words import number, to_places

_COLUMNS = ("typicality_shift", "typicality_pvalue", "atypical", "atypical_batches")


def typical_table(own: Floats, real: Likelihoods, estimates: dict[str, Estimate], batch: int) -> Table:
    """Show every group in a line."""
    spread = estimates["sample_spread"].value
    return Table(
        name="typicality",
        title="Real images among its own",
        columns=("images", "mean log-likelihood", "shift (sd)", "p-value", "unlikely single", "far batches"),
        rows=tuple(
            (name, float(nats.mean()), *(estimates[estimate_key(column, name)].value for column in _COLUMNS))
            for name, nats in real.items()
        ),
        caption=f"Its own samples: {to_places(float(own.mean()))} nats, standard deviation {number(spread)}. "
        f"Batches of {batch}.",
    )


def typical_figure(own: Floats, real: Likelihoods) -> Figure:
    """Draw the cumulative share of each group's log-likelihoods."""
    series = [_cumulative_share("its own samples", own, "generated")]
    series += [_cumulative_share(name, nats, role_of(name)) for name, nats in real.items()]
    return Figure(
        name="typicality", title="Where the likelihoods lie", x_label="log-likelihood (nats, a lower bound)",
        y_label="share of images", series=tuple(series), marks=(Mark(label="−entropy", x=float(own.mean())),),
        caption="Typical images follow the generator's own samples. Likelier than typical is not typical either.",
    )  # fmt: skip


def _cumulative_share(label: str, nats: Floats, role: Role) -> Series:
    share = (np.arange(len(nats)) + 1) / len(nats)
    return Series(label=label, x=tuple(np.sort(nats)), y=tuple(share), style="step", role=role)
