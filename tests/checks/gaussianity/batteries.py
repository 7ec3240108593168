"""A battery whose every number is chosen, so that what is made of them can be worked out by hand."""

import numpy as np

from didlearn.checks.feature_groups import OWN, REAL, FeatureGroup
from didlearn.checks.gaussianity.battery import Battery
from didlearn.checks.gaussianity.classifiers import LEAST_SQUARES, PENALTIES, ClassifierErrors
from didlearn.checks.gaussianity.logistic import LIKELIHOOD_PENALTIES, LIKELIHOODS
from didlearn.random_matrix import (
    ClassifierPrediction,
    ConcentrationCurve,
    MomentResult,
    PivotalResult,
    Placement,
    Spectrum,
)

N, TESTED = 60, 20


def placed(p_value, ratio=1.0, value=0.0, shift=None):
    return Placement(value, 1.0, 2.0, ratio, p_value, shift)


def pivotal(largest=3.0, p_value=0.4, sizes=((36.0, 24.0),)):
    """Two classes' eigenvalues, the largest ``largest`` on average; the null's are 1, 2 and 3."""
    return PivotalResult(
        spectrum=placed(p_value, 1.7),
        statistics={"largest": placed(0.3, shift=0.25)},
        dimension=3,
        projected=False,
        sizes=np.array(sizes),
        eigenvalues=np.array([[0.5, 1.0, largest - 1], [0.25, 1.0, largest + 1]]),
        null_eigenvalues=np.array([[0.5, 1.0, 1.5], [0.75, 1.0, 2.5]]),
        null_largest=np.array([1.0, 2, 3]),
    )


def moments(classes, leverage=True):
    """Scalars of the data and of four replicates, the data first."""
    names = ("wasserstein", "kolmogorov", "edge", "radius", "leverage", "eigenvalue_1", "angle_1", "clustering")
    scalars = {"edge": np.array([4.0, 1, 2, 2, 3]), "radius": np.array([6.0, 2, 4, 2, 4])}
    scalars |= {"leverage": np.array([1.0, 2, 2, 2, 2])} if leverage else {}
    scalars |= {"angle_1": np.array([0.9, 0, 0, 0, 0]), "clustering": np.array([0.7, 0, 0, 0, 0])} if classes else {}
    kept = [name for name in names if name in scalars or name[:3] in ("was", "kol", "eig")]
    return MomentResult(
        statistics={name: placed(0.01 * (i + 1), 1 + i, 10 + i, 0.5) for i, name in enumerate(kept)},
        eigenvalues=np.array([0.5, 3.0, 9.0]),
        replicate_eigenvalues=np.array([[0.5, 3, 3], [3, 3, 3]]),
        scalars=scalars,
        vectors=np.array([[-1.0, 2], [-3, 4]]),
        replicate_vectors=np.array([[1.0, -2], [3, -4]]),
        labels=np.array([0, 1]),
    )


def classified():
    squares = [(classifier, penalty) for classifier in LEAST_SQUARES for penalty in PENALTIES]
    keys = squares + [(classifier, penalty) for classifier in LIKELIHOODS for penalty in LIKELIHOOD_PENALTIES]
    return ClassifierErrors(
        error={key: 0.01 * i for i, key in enumerate(keys)},
        null={key: np.array([0.1, 0.2, 0.3, 0.6]) for key in keys},
        placement={key: placed(0.1 * (1 + i)) for i, key in enumerate(keys)},
        predicted={key: ClassifierPrediction(np.zeros((2, 1)), np.zeros((2, 1, 1)), np.eye(2), 0.5) for key in squares},
        confusion=np.eye(2),
        null_confusion=np.eye(2),
        test_rows=100,
    )


def battery(own=True, classes=False, matched=None, leverage=True):
    labels, names = (np.arange(N) % 2, ("a", "b")) if classes else (None, ("all",))
    group = FeatureGroup(
        name=OWN if own else REAL,
        role="generated" if own else "heldout",
        features=np.random.default_rng(0).normal(size=(N, 3)) * [1, 1, 0],
        labels=labels,
        names=names,
        repeats=5,
        width=3,
    )
    edges = np.array([1.0, 2.0, 4.0, 8.0])
    return Battery(
        group=group,
        tested=TESTED,
        gram=moments(classes, leverage),
        pivotal=pivotal(),
        curve=ConcentrationCurve(
            np.array([4, 8]),
            np.array([1.0, 2]),
            np.array([3.0, 4]),
            np.array([0.1, 0.2]),
            np.array([0.3, 0.4]),
            0.6,
            0.8,
        ),
        limit=Spectrum(
            grid=edges,
            density=np.zeros(4),
            distribution=np.array([0.2, 0.5, 0.6, 1.0]),
            mass_at_zero=0.0,
            support=np.array([[0.5, 5.0]]),
            masses=np.array([1.0]),
            spikes=np.zeros(0),
            alignments=np.zeros((0, 1)),
        ),
        bins=edges,
        distance=0.25,
        distance_null=np.array([0.1, 0.3]),
        classes=classified() if classes else None,
        matched=matched,
    )
