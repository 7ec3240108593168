"""Every model of the zoo at its smallest, and what one step of it did."""

import copy
import dataclasses

import torch

import didlearn as dl
from didlearn.rng import Stream
from didlearn.zoo.registry import RECIPES
from didlearn.zoo.training.data import StepData, TrainingSet
from didlearn.zoo.training.loop import Runner, train_model

BATCH = 8
SMALL = {
    "latent": 4,
    "width": 2,
    "batch": BATCH,
    "steps": 12,
    "discriminator_width": 2,
    "encoder_width": 2,
    "upper_noise": 2,
    "critic_steps": 2,
    "parts": 2,
    "sampling_steps": 3,
}


def recipe(name, **settings):
    kind = RECIPES[name]
    known = {field.name for field in dataclasses.fields(kind)}
    return kind(**{key: value for key, value in SMALL.items() if key in known} | settings)


def digits(start=0, stop=40):
    return dl.open_images("digits").subset(range(start, stop))


def train(name, folder, *, heldout=None, images=None, seed=0, restart=False, settings=None, **runner):
    run = Runner(**{"measurements": 3} | runner)
    images = digits() if images is None else images
    heldout = digits(40, 60) if heldout is None else heldout
    return train_model(recipe(name, **settings or {}), images, heldout, folder, seed=seed, runner=run, restart=restart)


class Bench:
    """A training, and the networks and gradients that each optimizer saw in the second of two steps."""

    def __init__(self, name, images=None, spread=1.0, **settings):
        self.recipe = recipe(name, **settings)
        self.data = TrainingSet(digits() if images is None else images, BATCH, Stream(3), "cpu")
        self.training = self.recipe.build(self.data, Stream(3))
        with torch.no_grad():
            for weight in self.training.networks.parameters():
                weight.mul_(spread)
        self.training.step(self.source(0))
        self.before = copy.deepcopy(self.training.networks)
        self.seen = {}
        for part, optimizer in self.training.optimizers.items():
            optimizer.register_step_pre_hook(self._hook(part))
        self.losses = self.training.step(self.source(1))

    def source(self, step):
        return StepData(self.data, step, self.recipe.steps, self.recipe.batches)

    def _hook(self, part):
        def hook(optimizer, _args, _kwargs):
            grads = [p.grad.clone() for group in optimizer.param_groups for p in group["params"]]
            self.seen[part] = (copy.deepcopy(self.training.networks), grads)

        return hook
