"""Large random matrices: what the spectrum of a Gram matrix tends to, and surrogates with the same moments."""

from didlearn.random_matrix.classifier import ClassifierPrediction, predict_classifier
from didlearn.random_matrix.concentration import ConcentrationCurve, concentration_curve
from didlearn.random_matrix.limits.equivalent import Equivalent, resolvent_equivalent
from didlearn.random_matrix.limits.spectrum import Spectrum, limiting_spectrum
from didlearn.random_matrix.moment_test import MomentResult, moment_test
from didlearn.random_matrix.pivotal import PivotalResult, pivotal_test
from didlearn.random_matrix.replicates import Placement
from didlearn.random_matrix.rotation import Rotations, fit_rotations
from didlearn.random_matrix.sample_size import SamplesNeeded, pivotal_samples
from didlearn.random_matrix.surrogate import GaussianMixture, fit_mixture

__all__ = [
    "ClassifierPrediction",
    "ConcentrationCurve",
    "Equivalent",
    "GaussianMixture",
    "MomentResult",
    "PivotalResult",
    "Placement",
    "Rotations",
    "SamplesNeeded",
    "Spectrum",
    "concentration_curve",
    "fit_mixture",
    "fit_rotations",
    "limiting_spectrum",
    "moment_test",
    "pivotal_samples",
    "pivotal_test",
    "predict_classifier",
    "resolvent_equivalent",
]
