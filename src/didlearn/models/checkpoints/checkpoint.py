"""Weights in files of other programs: ``torch.save`` of a state dict or a checkpoint, Lightning's, safetensors.

All are read without running anything. Whatever the nesting, weights come out under dotted names,
``state_dict.generator.layer.weight``, and a network's own names are looked for at the end of these.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from didlearn.errors import ModelError, UsageError, first_line

SUFFIXES: Final = (".pt", ".pth", ".ckpt", ".bin", ".safetensors")
_DEEPEST: Final = 6
_LISTED: Final = 4
_AVERAGED: Final = re.compile(r"(^|[_.])ema|ema($|[_.])|averag")
# Counters that torch adds to batch norm by itself, and that older files do not have.
_COUNTERS: Final = "num_batches_tracked"


@dataclass(frozen=True)
class Checkpoint:
    """What a file of weights holds.

    Attributes:
        path: the file. weights: tensors under dotted names. arguments: Lightning's ``hyper_parameters``.
    """

    path: Path
    weights: Mapping[str, torch.Tensor]
    arguments: Mapping[str, object]


def split_key(source: str) -> tuple[str, str | None]:
    """Return the file and the key of ``file.ckpt:generator``, or the text and ``None``."""
    head, colon, key = source.rpartition(":")
    if colon and Path(head).suffix.lower() in SUFFIXES and re.fullmatch(r"[\w.]+", key):
        return head, key
    return source, None


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a file of weights; nothing in it is run.

    Raises:
        ModelError: it is damaged, holds no weights, or holds objects beside them that only running code would make.
    """
    held = _read_safetensors(path) if path.suffix.lower() == ".safetensors" else _read_pickle(path)
    weights = dict(_flat(held, "", _DEEPEST))
    if not weights:
        raise ModelError(f"{path} holds no weights: give a file with a state_dict, or a checkpoint with one")
    known = held.get("hyper_parameters", {})
    return Checkpoint(path, weights, known if isinstance(known, Mapping) else {})


def _read_safetensors(path: Path) -> Mapping[str, object]:
    try:
        return dict(load_file(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as safetensors ({first_line(error)}): save it again") from None


def _read_pickle(path: Path) -> Mapping[str, object]:
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ModelError(f"{path} {_unread(error)}") from error
    if not isinstance(held, Mapping):
        raise ModelError(f"{path} holds a {type(held).__name__}, and a state_dict or a checkpoint was expected")
    return held


def _unread(error: Exception) -> str:
    odd = re.search(r"GLOBAL ([\w.]+)", str(error))  # torch's loader has no error of its own
    if odd is None:
        return f"cannot be read as weights ({first_line(error)}): save it again"
    return (
        f"holds a {odd[1]}, which only running its code would make: save the weights alone, with "
        "torch.save(network.state_dict(), file), and give that file"
    )


def _flat(held: Mapping[str, object], prefix: str, depth: int) -> Iterator[tuple[str, torch.Tensor]]:
    for name, value in held.items():
        if isinstance(value, torch.Tensor):
            yield f"{prefix}{name}", value.detach()
        elif isinstance(value, Mapping) and depth:
            yield from _flat(value, f"{prefix}{name}.", depth - 1)


def fill_network(
    network: nn.Module, checkpoint: Checkpoint, key: str | None, architecture: str, *, assign: bool = False
) -> tuple[str, ...]:
    """Set the weights of a network to those of a checkpoint that bear its names; return notes.

    Where several groups fit, as in a checkpoint of a generator and its average, the averaged one is taken.

    Args:
        network: to be filled. checkpoint: where from. key: which group in it, ``"g_ema"``; found where ``None``.
        architecture: what made the network, for messages. assign: let it hold the tensors of the file, if it was built
            without memory.

    Raises:
        ModelError: names are missing, are left over, or have other shapes; they are named. UsageError: the key is in no
            name, or several groups fit and none is an average.
    """
    wanted = network.state_dict()
    counts = _groups(checkpoint, wanted, key)
    needed = sum(not name.endswith(_COUNTERS) for name in wanted)
    whole = [group for group, count in counts.items() if count >= needed]
    group = _choose(whole, checkpoint.path) if whole else max(counts, key=lambda g: (counts[g], -len(g)), default="")
    found = {name[len(group) :]: value for name, value in checkpoint.weights.items() if name.startswith(group)}
    _compare(found, wanted, f"{checkpoint.path}{f' (its {group[:-1]!r})' if group else ''}", architecture)
    network.load_state_dict(found, strict=False, assign=assign)
    others = [other for other in whole if other != group]
    taken = f"the weights under {group[:-1]!r} were taken" if group else "the weights at the top were taken"
    return (f"{taken}; {', '.join(repr(g[:-1]) for g in others)} would fit too",) if others else ()


def _groups(checkpoint: Checkpoint, wanted: Mapping[str, object], key: str | None) -> Counter[str]:
    """Return how many of the network's names, torch's counters left out, stand after each prefix."""
    counts: Counter[str] = Counter()
    for name in checkpoint.weights:
        places = [0, *(place + 1 for place, letter in enumerate(name) if letter == ".")]
        counts.update(name[:at] for at in places if name[at:] in wanted and not name.endswith(_COUNTERS))
    if key is None:
        return counts
    kept = Counter({group: count for group, count in counts.items() if f".{key}." in f".{group}"})
    if not kept:
        offered = sorted(group[:-1] for group in counts if group) or sorted(
            {n.partition(".")[0] for n in checkpoint.weights}
        )
        raise UsageError(
            f"{checkpoint.path} holds no such weights under {key!r}; it holds some under {', '.join(offered[:_LISTED])}"
        )
    return kept


def _choose(whole: list[str], path: Path) -> str:
    if len(whole) == 1:
        return whole[0]
    averaged = [group for group in whole if _AVERAGED.search(group.lower())]
    if len(averaged) == 1:
        return averaged[0]
    listed = ", ".join(repr(group[:-1]) for group in averaged or whole)
    raise UsageError(f"{path} holds several weights that fit, {listed}; name one of them, as in {path.name}:KEY")


def _compare(
    found: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor], what: str, architecture: str
) -> None:
    missing = [name for name in wanted if name not in found and not name.endswith(_COUNTERS)]
    surplus = [name for name in found if name not in wanted and not name.endswith(_COUNTERS)]
    if missing or surplus:
        lacks = [f"lacks {_some(missing)}"] if missing else []
        holds = [f"holds {_some(surplus)}, which the network has not"] if surplus else []
        raise ModelError(f"{what} does not fit {architecture}: it {' and '.join(lacks + holds)}")
    for name, value in found.items():
        if name in wanted and value.shape != wanted[name].shape:
            raise ModelError(
                f"{what} does not fit {architecture}: {name} has the shape {tuple(value.shape)}, and the network's has "
                f"{tuple(wanted[name].shape)}; give the arguments it was trained with"
            )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{', '.join(names[:_LISTED])}{more}"
