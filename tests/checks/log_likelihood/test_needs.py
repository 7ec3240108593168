"""What a likelihood needs."""

import numpy as np

from didlearn.checks.log_likelihood.needs import missing_for_density
from didlearn.models.oracles import DiscreteGenerator
from tests.checks.inversions import line_model, subject_of, uniform_images


def test_what_is_missing_is_said():
    model, images = line_model(), uniform_images(8, 0)
    assert "no generator" in missing_for_density(subject_of(None, images, images))
    bank = DiscreteGenerator(np.zeros((9, 1, 4, 4), np.uint8))
    assert "no latent" in missing_for_density(subject_of(bank, images, images))
    wide = uniform_images(8, 0, (1, 5, 5))
    assert "(1, 4, 4), the real ones are (1, 5, 5)" in missing_for_density(subject_of(model, wide, wide))
    for train, heldout in ((images, None), (None, images), (images[:7], images), (images, images[:7])):
        assert "give at least 8 with train=... and with heldout=..." in missing_for_density(
            subject_of(model, train, heldout)
        )
    assert missing_for_density(subject_of(model, images, images)) is None
