"""Can the generator make the images it was trained on?

Friedman & Weiss (2024) and Pinetz, Soukup & Pock (2019) invert the generator: an image is on its manifold if some
latent decodes to it. Whether a large distance means that, or that the search failed, is what the controls decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from didlearn.audit.check import Better, Check, Confidence, parameter, register
from didlearn.audit.method import Method
from didlearn.naming import option

if TYPE_CHECKING:
    from didlearn.audit.subject import Subject
    from didlearn.result.values import CheckResult
    from didlearn.rng import Stream

FEWEST_INVERTED = 8
Loss = Literal["pixels", "embedding"]
LatentSpace = Literal["z", "w"]


@register
@dataclass(frozen=True)
class InversionCheck(Check):
    """The distance of images from the generator's manifold, with every control."""

    name: ClassVar[str] = "inversion"
    question: ClassVar[str] = "Can the generator make the images it was trained on?"
    position: ClassVar[int] = 4
    summary: ClassVar[str] = "Can it make the images it was trained on? The inversion check alone."
    method: ClassVar[Method] = Method(
        "For each image the nearest one that the generator makes was searched over its latent space, and planted "
        "images told whether the search finds what is there",
        ("friedman2024", "pinetz2019"),
        {"recovery": "webster2019"},
    )
    estimates: ClassVar[Mapping[str, str]] = {
        "error_{group}[_published]": "median mean squared difference per pixel at the nearest point found",
        "made": "share of training images that it makes up to a mild change",
        "holes": "share to which the nearest that it makes is no nearer than another real image",
        "between": "share that lies between",
        "made_heldout": "share of held-out images that it makes up to a mild change",
        "made_subspace": "share of training images that the best linear subspace of the latent's dimension makes so",
        "made_autoencoder": "share of training images that the autoencoder given makes so",
        "mild_error": "error per pixel of a mild change: 95 % of mildly changed copies lie nearer",
        "error_train_likely": "of training images, within the ball that holds 99 % of the prior",
        "ratio_generated[_published]": "training images' median error over generated ones'",
        "distance_left": "what a better search leaves of our reading of the published protocol's training error",
        "recovery_gap[_pvalue]": "(held-out − train) / held-out, of median errors, and a Kolmogorov–Smirnov p-value",
        "recovery_closer_pvalue": "small where training images are recovered better",
        "off_manifold": "share of training images beyond own_error_limit",
        "own_error_limit": "the 99th percentile of generated and planted images' errors",
        "feature_error_{group}": "median mean squared difference of features, where they are compared",
        "feature_ratio_generated": "training images' over generated ones'",
        "mapped_error_{group}": "median error where the search is in w, behind a mapping network",
        "mapped_distance_{group}": "median distance of w from the mapped prior, over that of the prior's own draws",
        "mapped_outside": "share of training images whose w lies farther out than 99 % of the prior's draws",
        "noise_fit": "share of noise's variance that is left",
        "noise_fit_linear": "what a linear generator leaves",
        "degrees_of_freedom": "how many dimensions of anything the generator fits",
        "normalised_fit": "the fit of training images over noise's",
        "noise_recovered": "the error of planted images with noise over the noise's own",
        "outside_shell": "share of training images whose latent is unlikely under the prior",
        "subspace_{group}": "the error of the best linear subspace of the latent's dimension",
        "neighbour_{group}": "the error of the nearest other training image",
        "autoencoder_{group}": "the error of the autoencoder given",
        "recovered[_published]": "share of planted images that the search finds",
        "recovered_0.5": "of images of shrunken draws",
        "recovered_1.5": "of images of stretched draws",
        "recovered_noisy": "of planted images with noise added",
        "segments_consistent": "share of segments to the nearest point with nothing nearer",
        "no_way_down": "share of points found where no direction curves downwards",
        "round_trip_{group}": "what a latent leaves of its image, by the generator's own inverse",
        "latent_size_{group}": "mean square of a latent's coordinates",
        "latent_correlation_{group}": "correlation of neighbouring coordinates",
        "latent_pvalue_{group}": "exact p-value that the latents are independent draws of the prior",
        "atypical_latents_{group}": "share whose latents are farther from typical than its own images'",
        "atypical_prior_{group}": "share whose latents are farther from typical than 95 % of draws of the prior",
        "atypical_nominal": "share of fresh images of its own that would be",
        "latent_closer_pvalue": "small where training images have more typical latents than held-out ones",
    }
    named: ClassVar[Mapping[str, str]] = {
        "error_{group}": "Median error of {group}",
        "error_train_likely": "Median error of training images, where the prior has mass",
        "made": "Training images that it makes up to a mild change",
        "holes": "Training images that another real image comes as near to",
        "between": "Training images between the two",
        "made_heldout": "Held-out images that it makes up to a mild change",
        "made_subspace": "Training images that the best linear subspace makes",
        "made_autoencoder": "Training images that the autoencoder makes",
        "mild_error": "Error of a mild change",
        "ratio_generated": "Training images' error over its own images'",
        "distance_left": "Share of the published protocol's error that is left",
        "recovery_gap": "Held-out images' error beyond training images'",
        "recovery_closer_pvalue": "Training images recovered better, p-value",
        "off_manifold": "Training images farther out than its own images",
        "own_error_limit": "Error that 99 % of its own images stay within",
        "feature_error_{group}": "Median error in features, {group}",
        "feature_ratio_generated": "Training images' error in features over its own images'",
        "mapped_error_{group}": "Median error of {group}, searched in w",
        "mapped_distance_{group}": "Distance of w from the mapped prior, {group}",
        "mapped_outside": "Training images whose w the prior hardly reaches",
        "noise_fit": "Share of noise that is left",
        "noise_fit_linear": "Share of noise that a linear generator leaves",
        "degrees_of_freedom": "Dimensions of anything that it fits",
        "normalised_fit": "Fit of training images over that of noise",
        "noise_recovered": "Error of noisy planted images over the noise",
        "outside_shell": "Training images with an unlikely latent",
        "subspace_{group}": "Error of the best linear subspace, {group}",
        "neighbour_{group}": "Error of the nearest training image, {group}",
        "autoencoder_{group}": "Error of the autoencoder, {group}",
        "recovered": "Planted images found again",
        "recovered_0.5": "Planted images found again, at half the prior's radius",
        "recovered_1.5": "Planted images found again, at 1.5 times the prior's radius",
        "recovered_noisy": "Planted images found again, with noise",
        "segments_consistent": "Points halfway with nothing nearer found",
        "no_way_down": "Points found where the error falls in no direction",
        "round_trip_{group}": "Left of {group} by its own inverse",
        "latent_size_{group}": "Mean square of the latents of {group}",
        "latent_correlation_{group}": "Correlation of neighbours in the latents of {group}",
        "latent_pvalue_{group}": "Latents of {group} are the prior's, p-value",
        "atypical_latents_{group}": "Latents of {group} that are not typical",
        "atypical_prior_{group}": "Latents of {group} that are not typical of the prior",
        "atypical_nominal": "Latents of its own that are not typical",
        "latent_closer_pvalue": "Training images with more typical latents, p-value",
    }
    efforts: ClassVar[Sequence[Mapping[str, int]]] = (
        {"images": 8, "starts": 4, "rounds": 0, "published": False},
        {"images": 8, "starts": 8, "rounds": 1},
        {"images": 16, "starts": 8, "rounds": 1},
        {"images": 16, "starts": 16, "rounds": 2},
        {"images": 24, "starts": 16, "rounds": 2},
        {"images": 24, "starts": 16, "rounds": 3},
        {"images": 40, "starts": 16, "rounds": 3},
    )
    better: ClassVar[Mapping[str, Better]] = {
        "made": "more",
        "made_heldout": "more",
        "holes": "less",
        "error_train": "less",
        "off_manifold": "less",
        "recovery_gap": "zero",
        "atypical_latents_train": "same",
    }

    images: int = parameter(40, "Images inverted of each group, and half as many shifted images and noise.")
    draws: int = parameter(500, "Prior draws that the search looks at.")
    starts: int = parameter(16, "Starts of the search among them.")
    rounds: int = parameter(5, "Rounds of restarts.")
    published: bool = parameter(True, "Run our reading of the published protocol beside it.")
    loss: Loss = parameter("pixels", "What is compared: pixels, or beside these the features of the embedding.")
    space: LatentSpace = parameter("z", "What is searched: z, or beside it w, behind a mapping network.")
    all_classes: bool = parameter(False, "Try every class of a conditional generator, not each image's own alone.")
    required: float = parameter(0.95, "Share of planted images that must be found for an error to mean anything.")
    holes: float = parameter(0.1, "Share of training images that may lie no nearer to it than to another real image.")
    made: float = parameter(0.9, "Share of training images that it must make, up to a mild change, to pass.")
    atypical: float = parameter(
        0.5,
        "Of a generator with its own inverse: share of training images, beyond the nominal one, whose latents may "
        "be less typical than its own images'.",
    )
    level: Confidence = parameter(0.95, "Confidence level of every interval.")

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: a model whose latent can be set, and training images."""
        from didlearn.checks.image_classes import missing_classes
        from didlearn.embeddings.pixels import PixelEmbedding
        from didlearn.models.base import LatentModel

        if subject.model is None:
            return f"there is no generator; give one with {option('generator')}"
        if not isinstance(subject.model, LatentModel):
            return f"{subject.model.name} has no latent to search: inversion needs a model file, not samples"
        if subject.train is None or len(subject.train) < FEWEST_INVERTED:
            return f"there are too few training images; give at least {FEWEST_INVERTED} with {option('train')}"
        if subject.points and subject.train.shape[0] < 2:
            return "points of one number are too narrow for a search of the nearest; give at least two columns"
        if self.loss == "embedding" and isinstance(subject.embedding, PixelEmbedding):
            return f"there are no features to compare; give a network with {option('embedding')}, or loss=pixels"
        return missing_classes(subject, self.all_classes)

    def passes(self, subject: Subject) -> float:
        """Return about how many passes all groups and controls take."""
        from didlearn.checks.inverting import SearchEffort, passes_of_inversion
        from didlearn.checks.latents.encoding import every_image_lies_on_it, passes_of_encoding

        if every_image_lies_on_it(subject):
            return self.images * (5 + len(subject.comparable)) * passes_of_encoding(subject)
        effort = SearchEffort(self.draws, self.starts, self.rounds)
        # Training, held-out, generated, planted and noisy planted images and those within the prior; half as many
        # shifted, noise; a third as many at two radii and on the way.
        groups = 6 + 2 / 2 + 3 / 3 + len(subject.comparable)
        return self.images * groups * passes_of_inversion(subject, effort, published=self.published)

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Invert every group and the controls, and compare."""
        from didlearn.checks.inversion.run import run_inversion

        return run_inversion(self, subject, rng)
