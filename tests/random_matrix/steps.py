"""P-values among few replicates, which come in steps, made uniform under the null."""

import numpy as np


def spread(p_values, replicates):
    """Move each p-value, a multiple of 1/(B + 1), to where chance would have it within the step below."""
    return p_values - np.random.default_rng(0).random(len(p_values)) / (replicates + 1)
