"""The models by name."""

from __future__ import annotations

from didlearn.zoo.ali import AliRecipe
from didlearn.zoo.autoencoder import AutoencoderRecipe
from didlearn.zoo.bigan import BiganRecipe
from didlearn.zoo.dcgan import DcganRecipe
from didlearn.zoo.diffusion import DiffusionRecipe
from didlearn.zoo.glo import GloRecipe
from didlearn.zoo.mix_dcgan import MixDcganRecipe
from didlearn.zoo.r3gan import R3ganRecipe
from didlearn.zoo.stacked_gan import StackedGanRecipe
from didlearn.zoo.training.recipe import Recipe
from didlearn.zoo.vae import VaeRecipe
from didlearn.zoo.wgan_gp import WganGpRecipe

RECIPES: dict[str, type[Recipe]] = {
    recipe.name: recipe
    for recipe in (
        DcganRecipe,
        MixDcganRecipe,
        BiganRecipe,
        AliRecipe,
        StackedGanRecipe,
        WganGpRecipe,
        R3ganRecipe,
        VaeRecipe,
        AutoencoderRecipe,
        GloRecipe,
        DiffusionRecipe,
    )
}
