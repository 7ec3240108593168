"""Inversions as a test says they ended, and subjects whose answers are known."""

import numpy as np
import torch

from didlearn.audit.subject import Subject
from didlearn.checks.inversion.inverted import Inverted
from didlearn.checks.log_likelihood.effort import ChainEffort
from didlearn.images import open_images
from didlearn.inversion.invert import Inversion
from didlearn.models.oracles import PPCA

SHAPE = (1, 4, 4)


def ended(error, image=None, latent=None, **changes):
    """An inversion that ended with these errors (n,), everything else plain."""
    error = np.asarray(error, float)
    n = len(error)
    plain = {
        "latent": np.zeros((n, 2), np.float32) if latent is None else np.asarray(latent, np.float32),
        "image": np.zeros((n, *SHAPE), np.float32) if image is None else image,
        "label": None,
        "class_error": None,
        "error": error,
        "pixel_error": np.zeros((n, *SHAPE), np.float32),
        "objective": error,
        "gradient_norm": np.zeros(n),
        "removable": np.zeros(n),
        "log_prior": np.zeros(n),
        "norm": np.ones(n),
        "shell_pvalue": np.full(n, 0.5),
        "log_volume": np.zeros(n),
        "success": np.ones(n, bool),
        "reason": np.full(n, "given"),
        "evaluations": np.full(n, 100),
        "trace_evaluations": np.tile([10, 100], (n, 1)),
        "trace_objective": np.stack([10 * error, error], axis=1),
    }
    return Inversion(**plain | changes)


def group(error, *, published=None, role="train", images=None, **changes):
    """A group of images whose inversion ended so; pixels with mean 0 and variance 1 if none are given."""
    signs = np.tile(np.where(np.arange(16) % 2, 1, -1), len(error)).reshape(-1, *SHAPE).astype(np.float32)
    found = None if published is None else ended(published)
    return Inverted(role, signs if images is None else images, ended(error, **changes), found)


def loadings(d=2, D=16, scale=0.1, seed=0):
    """Loadings (D, d) with columns of different lengths: log det WᵀW is not 0."""
    g = torch.Generator().manual_seed(seed)
    q = torch.linalg.qr(torch.randn(D, d, generator=g, dtype=torch.float64))[0]
    return q * scale * torch.arange(1, d + 1, dtype=torch.float64)


def line_model(d=2, scale=0.1, seed=0):
    """A linear generator of 4 × 4 pixels about one half."""
    return PPCA(loadings(d, 16, scale, seed), torch.full((16,), 0.5, dtype=torch.float64), SHAPE)


def effort_of(**changes):
    """How hard likelihoods are estimated: little."""
    little = {"images": 6, "chains": 4, "budget": 160, "observation": "gaussian", "sigma": None}
    return ChainEffort(**little | changes)


def residuals(model, images):
    """What the nearest point of a linear generator leaves of images: mean squares per pixel, (n,)."""
    r = torch.as_tensor(images).double().flatten(1) - model.b
    q = torch.linalg.qr(model.W)[0]
    return (r - r @ q @ q.T).square().mean(dim=1).numpy()


def uniform_images(count, seed, shape=SHAPE):
    """Images of even noise in [0, 1]."""
    return np.random.default_rng(seed).random((count, *shape)).astype(np.float32)


def subject_of(model, train=None, heldout=None, **options):
    """A subject of arrays of images."""
    return Subject(
        model,
        None if train is None else open_images(train),
        None if heldout is None else open_images(heldout),
        **options,
    )
