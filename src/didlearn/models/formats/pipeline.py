"""A diffusers pipeline without text or classes (``UNet2DModel`` and its scheduler) as deterministic sampling.

The scheduler says which times the network is told and how much noise there is at each; the steps between them are those
of DDIM, or of Euler for a flow. What draws noise on the way (DDPM, ancestral samplers) is run without it.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from didlearn.errors import MissingExtraError, ModelError, UsageError, first_line
from didlearn.models.diffusion.sampler import DiffusionModel, FlowModel, Prediction, Transport

INDEX = "model_index.json"
STEPS = 20
_PREDICTIONS: dict[str, Prediction] = {"epsilon": "noise", "v_prediction": "velocity", "sample": "image"}
_DIFFUSIONS = (
    "DDIMScheduler", "DDPMScheduler", "PNDMScheduler", "DDIMInverseScheduler", "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler", "UniPCMultistepScheduler", "DEISMultistepScheduler",
)  # fmt: skip
_EULERS = ("EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "HeunDiscreteScheduler", "LMSDiscreteScheduler")
_FLOWS = ("FlowMatchEulerDiscreteScheduler", "FlowMatchHeunDiscreteScheduler")


class Predictor(nn.Module):
    """A diffusers network as (x, t) -> what it predicts; ``told``: what a time is multiplied by first."""

    def __init__(self, network: nn.Module, told: float = 1.0) -> None:
        super().__init__()
        self.network, self.told = network, told

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Return the prediction (n, C, H, W)."""
        found: Tensor = self.network(x, t * self.told).sample
        return found


def open_pipeline(folder: str | Path, *, steps: int = STEPS) -> Transport:
    """Open the folder of a saved pipeline.

    Args:
        folder: with ``model_index.json``, ``unet/`` in safetensors and ``scheduler/``. steps: of the sampler.

    Raises:
        UsageError: the pipeline or its scheduler is of a kind that is not a map of one latent.
        MissingExtraError: diffusers is not installed. ModelError: a file cannot be read.
    """
    root = Path(folder)
    said = _config(root / INDEX)
    named = {name: part for name, part in said.items() if isinstance(part, list) and len(part) == 2}
    parts = {name: str(part[1]) for name, part in named.items() if part[0] == "diffusers"}
    networks = [name for name, kind in parts.items() if kind == "UNet2DModel"]
    schedulers = [name for name in parts if name == "scheduler"]
    if len(networks) != 1 or not schedulers or len(parts) != 2:
        raise UsageError(
            f"{root} is a {said.get('_class_name', 'pipeline')} of {', '.join(parts.values()) or 'nothing known'}; "
            "what is opened is one UNet2DModel with its scheduler: give a factory that samples with it, or its samples"
        )
    return sampler_of(_network(root / networks[0]), _config(root / "scheduler" / "scheduler_config.json"), steps)


def sampler_of(network: nn.Module, scheduler: dict[str, Any], steps: int = STEPS) -> Transport:
    """Return a ``UNet2DModel`` with the steps that a scheduler's configuration asks for.

    Raises:
        UsageError: nothing deterministic is known of that scheduler, or the network needs classes.
    """
    config: Any = network.config
    if config.num_class_embeds is not None or config.class_embed_type is not None:
        raise UsageError("the UNet2DModel is told classes; give a factory whose forward(z, labels) samples with it")
    size = config.sample_size
    height, width = (size, size) if isinstance(size, int) else tuple(size)
    shape = (int(config.in_channels), int(height), int(width))
    kind = str(scheduler.get("_class_name"))
    if kind in _FLOWS:
        return _flow(network, scheduler, steps, shape)
    if kind in _EULERS:
        return _euler(network, scheduler, steps, shape)
    if kind in _DIFFUSIONS:
        return _diffusion(network, scheduler, steps, shape)
    raise UsageError(
        f"nothing is known of the scheduler {kind}; there are {', '.join((*_DIFFUSIONS, *_EULERS, *_FLOWS))}"
    )


def _diffusion(network: nn.Module, config: dict[str, Any], steps: int, shape: tuple[int, int, int]) -> DiffusionModel:
    """DDIM's own steps: its times, and the noise that it ends with."""
    made = _scheduler("DDIMScheduler", config, steps)
    times = made.timesteps.numpy()
    levels = made.alphas_cumprod.double().numpy()[times]
    return _through(network, config, shape, levels, times.astype(float), float(made.final_alpha_cumprod), 1.0)


def _euler(network: nn.Module, config: dict[str, Any], steps: int, shape: tuple[int, int, int]) -> DiffusionModel:
    """Euler's steps in σ = √((1 − ᾱ)/ᾱ), which are DDIM's; its start may be smaller than the noise of that level."""
    made = _scheduler("EulerDiscreteScheduler", config, steps)
    sigmas = made.sigmas.double().numpy()[:-1]
    start = float(made.init_noise_sigma) / float(np.sqrt(sigmas[0] ** 2 + 1))
    return _through(network, config, shape, 1 / (1 + sigmas**2), made.timesteps.double().numpy(), 1.0, start)


def _through(
    network: nn.Module, config: dict[str, Any], shape: tuple[int, int, int], levels: Any, times: Any, end: float,
    start: float,
) -> DiffusionModel:  # fmt: skip
    """Steps through ``levels``, noise first, and to ``end``; a last step of no length is left out."""
    said = str(config.get("prediction_type", "epsilon"))
    if said not in _PREDICTIONS:
        raise UsageError(f"the scheduler's prediction_type is {said!r}; there are {', '.join(_PREDICTIONS)}")
    return DiffusionModel(
        Predictor(network), alphas=levels[::-1].copy(), times=times[::-1].copy(), image_shape=shape,
        steps=list(range(len(levels) - 1, -1, -1)), end=end if end > levels[-1] else None, start=start,
        prediction=_PREDICTIONS[said],
    )  # fmt: skip


def _flow(network: nn.Module, config: dict[str, Any], steps: int, shape: tuple[int, int, int]) -> FlowModel:
    made = _scheduler("FlowMatchEulerDiscreteScheduler", config, steps)
    told = float(made.config.num_train_timesteps)
    return FlowModel(Predictor(network, told), image_shape=shape, times=made.sigmas.double())


def _scheduler(name: str, config: dict[str, Any], steps: int) -> Any:
    kinds = _diffusers()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numpy and of settings that others of its kind have
            made = getattr(kinds, name).from_config(config)
            made.set_timesteps(steps)
    except Exception as error:
        raise ModelError(f"the scheduler cannot take {steps} steps: {first_line(error)}") from error
    return made


def _network(folder: Path) -> nn.Module:
    try:
        found: nn.Module = _diffusers().UNet2DModel.from_pretrained(folder, use_safetensors=True, local_files_only=True)
    except Exception as error:
        raise ModelError(
            f"{folder} cannot be opened as a UNet2DModel ({first_line(error)}); save it with "
            "save_pretrained(..., safe_serialization=True)"
        ) from error
    return found


def _diffusers() -> Any:
    try:
        import diffusers
    except ImportError:
        raise MissingExtraError(
            "a diffusers pipeline is opened by diffusers; install it with: pip install 'didlearn[diffusers]'"
        ) from None
    return diffusers


def _config(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as JSON ({first_line(error)})") from None
    if not isinstance(found, dict):
        raise ModelError(f"{path} holds a {type(found).__name__}; an object of settings was expected")
    return found
