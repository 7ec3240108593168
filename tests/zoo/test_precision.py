"""Every recipe takes steps in bfloat16: losses stay float32 and near those of float32."""

import dataclasses

import numpy as np
import pytest
import torch

from didlearn.images import open_images
from didlearn.rng import Stream
from didlearn.zoo.registry import RECIPES
from didlearn.zoo.training.data import StepData, TrainingSet


@pytest.mark.usefixtures("quick_classifier")
@pytest.mark.parametrize("name", RECIPES)
def test_steps_in_bfloat16_lose_digits_and_nothing_else(name):
    images = open_images("digits").subset(np.arange(320))
    # In two channels of a critic after its guide's layers the stack's first loss comes out the same.
    narrow = ("width",) if name == "stacked-gan" else ("width", "discriminator_width", "encoder_width")
    widths = {field.name: 2 for field in dataclasses.fields(RECIPES[name]) if field.name in narrow}
    recipe = RECIPES[name](batch=32, steps=10, **widths)
    losses = []
    for bf16 in (False, True):
        data = TrainingSet(images, recipe.batch, Stream(0, ("precision",)), "cpu")
        training = recipe.build(data, data.rng)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            found = training.step(StepData(data, 0, 10, recipe.batches))
            again = training.step(StepData(data, 1, 10, recipe.batches))
        assert all(torch.isfinite(value) for value in again.values())
        assert {value.dtype for value in found.values()} == {torch.float32}
        losses.append({key: float(value.detach()) for key, value in found.items()})
    # The first loss alone: Adam's first step goes by signs, so that the losses after it differ by more. Eight bits of
    # mantissa, through some ten layers.
    first = next(iter(losses[0]))
    assert losses[1][first] == pytest.approx(losses[0][first], rel=0.05, abs=0.05)
    assert losses[1][first] != losses[0][first], "bfloat16 was not used at all"
