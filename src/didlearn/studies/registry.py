"""The studies by name."""

from __future__ import annotations

from didlearn.studies.discriminator_size import DiscriminatorSize
from didlearn.studies.encoder import EncoderStudy
from didlearn.studies.latent_dimension.study import LatentDimension
from didlearn.studies.likelihood_and_fidelity.study import LikelihoodAndFidelity
from didlearn.studies.memorizing_bigan.study import MemorizingBiganStudy
from didlearn.studies.per_class import PerClass
from didlearn.studies.study import Study

STUDIES: dict[str, type[Study]] = {
    study.name: study
    for study in (
        DiscriminatorSize,
        EncoderStudy,
        PerClass,
        LatentDimension,
        LikelihoodAndFidelity,
        MemorizingBiganStudy,
    )
}
