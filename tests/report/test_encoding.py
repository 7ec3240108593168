"""A picture is encoded once for a page, and never taken for another."""

import itertools
from unittest import mock

import numpy as np
import pytest
from PIL import Image

from didlearn.report.pictures import encoding
from didlearn.report.pictures.encoding import PictureEncoder

NOISE = np.random.default_rng(0).integers(0, 256, (24, 48), dtype=np.uint8)
# The same bytes in another shape or mode, and all but one of them, are other pictures.
PICTURES = [
    Image.fromarray(NOISE),
    Image.fromarray(NOISE.reshape(48, 24)),
    Image.fromarray(NOISE.reshape(12, 32, 3)),
    Image.fromarray(np.where(np.arange(48) == 47, 0, NOISE).astype(np.uint8)),
]
ALLOWANCES = (200, 5_000, 600)


def test_what_is_remembered_is_what_would_be_encoded_anew():
    encoder = PictureEncoder()
    for picture, allowance in [*itertools.product(PICTURES, ALLOWANCES)] * 2:
        assert encoder.within(picture, allowance) == PictureEncoder().within(picture, allowance)


def test_a_colour_profile_makes_another_picture():
    plain, profiled = (Image.fromarray(NOISE) for _ in range(2))
    profiled.info["icc_profile"] = b"a profile"
    encoder = PictureEncoder()
    assert encoder.within(plain, 5_000) != encoder.within(profiled, 5_000)


@pytest.mark.parametrize("allowances", [(5_000, 5_000), (600, 600), (600, 200)])
def test_a_picture_is_encoded_whole_once(allowances, monkeypatch):
    encoders = [mock.Mock(wraps=getattr(encoding, name)) for name in ("as_png", "as_webp")]
    for name, encode in zip(("as_png", "as_webp"), encoders, strict=True):
        monkeypatch.setattr(encoding, name, encode)
    encoder = PictureEncoder()
    for allowance in allowances:
        encoder.within(PICTURES[0], allowance)
    for encode in encoders:
        assert [call.args[0].size for call in encode.call_args_list].count(PICTURES[0].size) == bool(encode.called)
