"""Discriminators of a given capacity, trained to tell real pairs (image, code) from generated ones.

The advantage of a discriminator D is |E φ(D(x, E(x))) − E φ(D(G(z), z))|. Here φ is the unit step: the share of real
pairs that D takes for real less the share of generated ones. It is what a φ in [−1, 1] of any steepness comes to when
the scale of D is free, and both shares are binomial, so that its error is known.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from didlearn.embeddings.training.optimizers import Adam
from didlearn.result.values import Estimate
from didlearn.rng import Stream
from didlearn.statistics.intervals import difference

ImageCode = tuple[torch.Tensor, torch.Tensor]
PairSampler = Callable[[int, torch.Generator], ImageCode]
_AT_ONCE = 2**16


@dataclass(frozen=True)
class DiscriminatorTraining:
    """How a discriminator is trained and judged; every draw of pairs is used once, for one of the three purposes.

    Attributes:
        steps: of Adam, at most; training stops when ``patience`` looks at the validation pairs found no improvement.
        batch: fresh real pairs and as many generated ones for each step.
        validation: pairs of each kind that choose the weights that are kept.
        test: pairs of each kind that the advantage is measured on.
    """

    steps: int = 1000
    batch: int = 256
    looks: int = 20
    patience: int = 6
    validation: int = 4_000
    test: int = 20_000
    learning_rate: float = 2e-3


@dataclass(frozen=True)
class DiscriminatorScore:
    """What a trained discriminator tells apart.

    Attributes:
        advantage: on fresh pairs, in [−1, 1], with the interval of a difference of proportions.
        real_taken, generated_taken: how many of the test pairs of each kind it took for real.
        parameters: p, the weights and biases of the discriminator. steps: how many were taken until the best look.
    """

    advantage: Estimate
    real_taken: int
    generated_taken: int
    parameters: int
    steps: int


class PairDiscriminator(nn.Sequential):
    """Standardised image and code side by side, two hidden layers of ``width`` units, one logit; width 0: linear."""

    def __init__(self, inputs: int, width: int, generator: torch.Generator) -> None:
        hidden = pairwise([inputs, width, width]) if width else []
        layers: list[nn.Module] = []
        for fan_in, fan_out in hidden:
            layers += [_linear(fan_in, fan_out, (2 / fan_in) ** 0.5, generator), nn.LeakyReLU(0.2)]
        # Starting from no opinion: a faint difference would have to grow out of whatever the start was.
        super().__init__(*layers, _linear(width or inputs, 1, 0.0, generator))


def _linear(fan_in: int, fan_out: int, deviation: float, generator: torch.Generator) -> nn.Linear:
    layer = nn.utils.skip_init(nn.Linear, fan_in, fan_out)
    with torch.no_grad():
        layer.weight.normal_(0, deviation, generator=generator)
        layer.bias.zero_()
    return layer


@dataclass(frozen=True, eq=False)
class Judge:
    """A trained discriminator.

    Attributes:
        network: one logit for each pair. scaling: standardises flat pairs (n, d + d̃) as in training.
        steps: how many were taken until the best look.
    """

    network: PairDiscriminator
    scaling: Callable[[torch.Tensor], torch.Tensor]
    steps: int

    @torch.no_grad()
    def takes(self, pairs: ImageCode) -> int:
        """Return how many of the pairs it takes for real: of φ(D), the sum for φ the unit step."""
        parts = zip(pairs[0].split(_AT_ONCE), pairs[1].split(_AT_ONCE), strict=True)
        return sum(int((self.network(self.scaling(_flat(part))) > 0).sum()) for part in parts)

    def score(self, real: ImageCode, generated: ImageCode) -> DiscriminatorScore:
        """Return the advantage on as many pairs of each kind, the interval being for pairs it was not trained on."""
        taken, trials = (self.takes(real), self.takes(generated)), len(real[0])
        parameters = sum(p.numel() for p in self.network.parameters())
        return DiscriminatorScore(difference(taken[0], trials, taken[1], trials), *taken, parameters, self.steps)


def distinguish(
    real: PairSampler, generated: PairSampler, width: int, training: DiscriminatorTraining, stream: Stream
) -> DiscriminatorScore:
    """Train a discriminator on pairs drawn afresh for every step, and measure its advantage on pairs it never saw.

    Args:
        real, generated: draw n pairs: images (n, ...) and codes (n, d̃), from a generator.
        width: units of each hidden layer, 0 for a linear discriminator.
        training: how.
        stream: where weights and pairs are drawn from.
    """
    judge, test = train_judge(real, generated, width, training, stream), stream.torch("test")
    return judge.score(real(training.test, test), generated(training.test, test))


def train_judge(
    real: PairSampler, generated: PairSampler, width: int, training: DiscriminatorTraining, stream: Stream
) -> Judge:
    """Train a discriminator on what the samplers draw; the arguments are those of ``distinguish``."""
    scaling = _scaling(real, generated, training.validation, stream.torch("scaling"))

    def draw(count: int, generator: torch.Generator) -> ImageCode:
        return scaling(_flat(real(count, generator))), scaling(_flat(generated(count, generator)))

    validation = draw(training.validation, stream.torch("validation"))
    network = PairDiscriminator(validation[0].shape[1], width, stream.torch("weights"))
    return Judge(network, scaling, _train(network, draw, validation, training, stream))


def _flat(pair: ImageCode) -> torch.Tensor:
    return torch.cat([pair[0].flatten(1), pair[1].flatten(1)], dim=1).float()


def _scaling(
    real: PairSampler, generated: PairSampler, count: int, generator: torch.Generator
) -> Callable[[torch.Tensor], torch.Tensor]:
    seen = torch.cat([_flat(pairs(count, generator)) for pairs in (real, generated)])
    mean, deviation = seen.mean(dim=0), seen.std(dim=0).clamp(min=1e-6)
    return lambda x: (x - mean) / deviation


def _loss(network: nn.Module, pairs: ImageCode) -> torch.Tensor:
    """Return the mean of −log σ(D) over real pairs and of −log(1 − σ(D)) over generated ones."""
    return (functional.softplus(-network(pairs[0])).mean() + functional.softplus(network(pairs[1])).mean()) / 2


def _train(
    network: nn.Module,
    draw: Callable[[int, torch.Generator], ImageCode],
    validation: ImageCode,
    training: DiscriminatorTraining,
    stream: Stream,
) -> int:
    """Leave in ``network`` the averaged weights of the least validation loss, and return the step they are from.

    The average weighs step t by about t³ (Shamir and Zhang 2013): it forgets the start, and averages the noise of
    single steps away, which for a faint advantage is most of what they are.
    """
    average = deepcopy(network)
    optimiser = Adam(network.parameters(), training.learning_rate)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, training.steps)
    generator = stream.torch("training")
    every = max(1, training.steps // training.looks)
    best, kept, taken = float("inf"), deepcopy(network.state_dict()), 0
    for step in range(1, training.steps + 1):
        optimiser.zero_grad()
        _loss(network, draw(training.batch, generator)).backward()
        optimiser.step()
        decay.step()
        _lean(average, network, 4 / (step + 3))
        if step % every == 0:
            with torch.no_grad():
                loss = float(_loss(average, validation))
            if loss < best:
                best, kept, taken = loss, deepcopy(average.state_dict()), step
            elif step - taken > training.patience * every:
                break
    network.load_state_dict(kept)
    return taken


@torch.no_grad()
def _lean(average: nn.Module, network: nn.Module, share: float) -> None:
    for mean, weight in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(weight, share)
