"""Train the three small generators of 8×8 digits that ``make demo`` audits.

    python examples/digits/train.py [--out FOLDER] [--only NAME] [--steps N]

- ``sound``: a GAN with what keeps a GAN honest: penalised slopes, augmented views, samples that repel one another.
- ``collapsed``: a GAN whose generator takes ten steps for each one of its discriminator, and collapses.
- ``memorised``: 200 training images learned by heart.

Trained on the training part of ``didlearn audit --train digits --seed 0``, never on its held-out part. Every stream of
randomness has a seed and torch is kept to one thread, so that a machine repeats itself bit for bit.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

import didlearn
from didlearn.images import Images
from didlearn.images.split import split_heldout
from didlearn.models.architectures import Architecture, Memory, Mlp
from didlearn.rng import torch_generator

SHAPE, PIXELS, CLASSES = (1, 8, 8), 64, 10
Rng = torch.Generator
Optimizer = torch.optim.Optimizer


def training_images() -> Images:
    """Return the images that an audit of ``digits`` with seed 0 calls the training set."""
    return split_heldout(didlearn.open_images("digits"), seed=0, fraction=0.2)[0]


def initialise(network: nn.Module, rng: Rng) -> None:
    """Draw the weights of every linear layer from ``rng``: uniform within 1/√(inputs), no bias."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            bound = layer.in_features**-0.5
            nn.init.uniform_(layer.weight, -bound, bound, generator=rng)
            nn.init.zeros_(layer.bias)


def discriminator(inputs: int, width: int, rng: Rng) -> nn.Sequential:
    """Two hidden layers and a score."""
    layers = (nn.Linear(inputs, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2))
    network = nn.Sequential(*layers, nn.Linear(width, 1))
    initialise(network, rng)
    return network


def cooling(steps: int, *optimizers: Optimizer) -> Iterator[int]:
    """Count the steps; from the middle on, lower every learning rate linearly to nearly nothing."""
    start = [(group, group["lr"]) for optimizer in optimizers for group in optimizer.param_groups]
    for step in range(steps):
        for group, rate in start:
            group["lr"] = rate * min(1.0, 2 * (1 - step / steps) + 1e-3)
        yield step


def descend(optimizer: Optimizer, loss: torch.Tensor) -> None:
    """Take one step."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


class Views:
    """What the discriminator sees of an image: a random small warp of it, with noise, scaled to [-2, 2].

    Real and generated images pass through the same views (Zhao et al. 2020, "Differentiable augmentation"): the
    discriminator cannot learn 1 438 images by heart, and the generator learns no warps, for they are no giveaway.
    """

    def __init__(self, strength: float, noise: float, rng: Rng, count: int = 2048) -> None:
        self.noise, self.rng = noise, rng
        turn, shear, stretch = (strength * s * self._normal(count) for s in (0.15, 0.15, 0.1))
        shift = strength * 0.125 * self._normal(count, 2)
        rows = (turn.cos() * stretch.exp(), shear - turn.sin(), turn.sin(), turn.cos() * (-stretch).exp())
        maps = torch.cat([torch.stack(rows, 1).view(count, 2, 2), shift[:, :, None]], dim=2)
        basis = torch.eye(PIXELS).view(1, PIXELS, 8, 8).expand(count, -1, -1, -1)
        grid = functional.affine_grid(maps, [count, PIXELS, 8, 8], align_corners=False)
        # A warp is linear in the image: one matrix each, made once.
        self.warps = functional.grid_sample(basis, grid, align_corners=False).flatten(2)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return views (n, 64) of images (n, 64)."""
        chosen = torch.randint(len(self.warps), (len(images),), generator=self.rng)
        noisy = images + self.noise * self._normal(*images.shape)
        return torch.bmm(noisy[:, None], self.warps[chosen])[:, 0] * 4 - 2

    def _normal(self, *shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=self.rng)


def crowding(images: torch.Tensor, scale: float = 0.4) -> torch.Tensor:
    """Mean of exp(-d²/2·scale²) over pairs of images (n, 64): how crowded they are at the distance of look-alikes."""
    squares = images.square().sum(1)
    d2 = squares[:, None] + squares - 2 * images @ images.T
    return torch.exp(-d2 / (2 * scale**2)).triu(1).sum() * 2 / (len(images) * (len(images) - 1))


def class_of(z: torch.Tensor) -> torch.Tensor:
    """One-hot class (n, 10) that latents are trained to show: the largest of their first ten coordinates."""
    return functional.one_hot(z[:, :CLASSES].argmax(dim=1), CLASSES).float()


def train_sound(images: Images, steps: int) -> Mlp:
    """Train a relativistic GAN with zero-centred gradient penalties on both sides (Huang et al. 2024).

    The discriminator is told the class; the generator has to read it from its latent. Its weights are averaged.
    """
    rng = torch_generator(0, "digits", "sound")
    real, labels = _pixels(images), _labels(images)
    generator = Mlp((20,), SHAPE, hidden=(224, 224), output="sigmoid")
    critic = discriminator(PIXELS + CLASSES, 256, rng)
    initialise(generator, rng)
    averaged, views = copy.deepcopy(generator), Views(1.2, 0.1, rng)
    up, down = (torch.optim.Adam(net.parameters(), 1e-3, betas=(0.0, 0.99)) for net in (generator, critic))

    def scored(seen: torch.Tensor, chosen: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        classes = torch.cat([labels[chosen], class_of(z)])
        on_real, on_fake = critic(torch.cat([seen, classes], 1)).chunk(2)
        return on_real, on_fake

    for step in cooling(steps, up, down):
        for net in (critic, generator):
            chosen = torch.randint(len(real), (128,), generator=rng)
            z = torch.randn(128, 20, generator=rng)
            y = generator(z).flatten(1)
            if net is critic:
                seen = torch.cat([views(real[chosen]), views(y.detach())]).requires_grad_()
                on_real, on_fake = scored(seen, chosen, z)
                (slope,) = torch.autograd.grad(on_real.sum() + on_fake.sum(), seen, create_graph=True)
                penalty = 0.32 * slope.square().sum(1).mean()
                descend(down, functional.softplus(on_fake - on_real).mean() + penalty)
            else:
                on_real, on_fake = scored(torch.cat([views(real[chosen]), views(y)]), chosen, z)
                descend(up, functional.softplus(on_real - on_fake).mean() + 20 * crowding(y))
        _average(averaged, generator, min(0.999, 1 - 1 / (step + 2)))
    return averaged


@torch.no_grad()
def _average(averaged: nn.Module, network: nn.Module, keep: float) -> None:
    for old, new in zip(averaged.parameters(), network.parameters(), strict=True):
        old.lerp_(new, 1 - keep)


def train_collapsed(images: Images, steps: int) -> Mlp:
    """Train a GAN with the non-saturating loss whose generator takes ten steps for each one of its discriminator.

    The generator has the time to run to the few pictures that fool the discriminator of the moment, whatever the
    latent: Goodfellow et al. 2014 call it "the Helvetica scenario".
    """
    rng = torch_generator(0, "digits", "collapsed")
    real = _pixels(images) * 4 - 2
    generator = Mlp((4,), SHAPE, hidden=(64, 64), output="sigmoid")
    critic = discriminator(PIXELS, 256, rng)
    initialise(generator, rng)
    up = torch.optim.Adam(generator.parameters(), 1e-3, betas=(0.5, 0.99))
    down = torch.optim.Adam(critic.parameters(), 2e-3, betas=(0.5, 0.99))

    def fakes() -> torch.Tensor:
        return generator(torch.randn(64, 4, generator=rng)).flatten(1) * 4 - 2

    for _ in cooling(steps, up, down):
        x = real[torch.randint(len(real), (64,), generator=rng)]
        seen = torch.cat([x, fakes().detach()]).requires_grad_()
        scores = critic(seen)
        (slope,) = torch.autograd.grad(scores.sum(), seen, create_graph=True)
        on_real, on_fake = scores.chunk(2)
        penalty = 0.8 * slope.square().sum(1).mean()
        descend(down, functional.softplus(on_fake).mean() + functional.softplus(-on_real).mean() + penalty)
        for _ in range(10):
            descend(up, functional.softplus(-critic(fakes())).mean())
    return generator


def train_memorised(images: Images, steps: int, items: int = 200, latent: int = 32) -> Memory:
    """Train a softmax memory to reproduce ``items`` training images, each for an equal share of its latents.

    Wherever an item answers best, the output is to be its image; the entropy of the mean answer keeps shares equal.
    All weights are learned: the pictures start as grey noise, the keys as random directions.
    """
    rng = torch_generator(0, "digits", "memorised")
    wanted = _pixels(images)[torch.randperm(len(images), generator=rng)[:items]]
    memory = Memory((latent,), SHAPE, items=items)
    with torch.no_grad():
        memory.keys.copy_(functional.normalize(torch.randn(items, latent, generator=rng), dim=1))
        memory.values.copy_(0.5 + 0.1 * torch.randn(items, PIXELS, generator=rng))
        memory.inverse_temperature.fill_(5.0)
    optimizer = torch.optim.Adam(memory.parameters(), 0.03, betas=(0.5, 0.99))
    for _ in cooling(steps, optimizer):
        z = torch.randn(1000, latent, generator=rng)
        answers = (memory.inverse_temperature * z @ memory.keys.T).softmax(dim=1)
        miss = (answers @ memory.values - wanted[answers.argmax(dim=1)]).square().sum(1).mean()
        shares = answers.mean(dim=0)
        uneven = (shares * (shares * items + 1e-6).log()).sum()
        descend(optimizer, miss + 3 * uneven)
    return memory


def _pixels(images: Images) -> torch.Tensor:
    return images.read(range(len(images))).flatten(1)


def _labels(images: Images) -> torch.Tensor:
    assert images.labels is not None, "the digits have labels"
    return functional.one_hot(torch.from_numpy(images.labels), CLASSES).float()


Recipe = Callable[[Images, int], Architecture]
RECIPES: dict[str, tuple[Recipe, int]] = {
    "sound": (train_sound, 5000),
    "collapsed": (train_collapsed, 1200),
    "memorised": (train_memorised, 1500),
}


def main() -> None:
    """Train what was asked for, and write one model folder each."""
    parser = argparse.ArgumentParser(description="Train the generators of digits that the demo audits.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="where the model folders go")
    parser.add_argument("--only", choices=list(RECIPES), action="append", help="train this one (repeatable)")
    parser.add_argument("--steps", type=int, default=10**9, help="stop early, to try the recipe out")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    images = training_images()
    for name in asked.only or RECIPES:
        recipe, steps = RECIPES[name]
        start = time.perf_counter()
        model = recipe(images, min(steps, asked.steps))
        folder = didlearn.save_model(model, asked.out / name, name=name)
        print(f"{folder}: {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
