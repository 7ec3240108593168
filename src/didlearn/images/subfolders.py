"""What the subfolders of a set of pictures are: classes, the splits of a data set, or numbered parts of it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from didlearn.errors import DataError
from didlearn.images.classes import Labels, from_subfolders, printable, shared_folders

_SPLIT = re.compile(r"(train(ing)?|trainval|val(id(ation)?)?|dev|test(ing)?|eval(uation)?)[-_ ]?\d*", re.IGNORECASE)
_PART = re.compile(r"(shard|part|chunk|batch|split|fold|rank|worker|gpu|node|img|images|samples|seed)s?[-_ ]?\d+", re.I)
_PADDED = 4  # digits: classes are rarely numbered that far, and parts of a set are
_COUNTED = 1_000  # pictures a part in StyleGAN's packing: 00001/img00001000.png
_SHOWN = 3


class Arranged(NamedTuple):
    """The pictures of a set that are read, (n,) sorted names with forward slashes, and their classes."""

    names: list[str]
    labels: Labels


def arrange(names: Sequence[str], where: str) -> Arranged:
    """Take class subfolders as labels, and say what other subfolders were taken for.

    Folders that hold everything (``set/cat/1.png``, ``set/dog/2.png``) are passed over.

    Args:
        names: paths with forward slashes, sorted.
        where: what to call the set.

    Raises:
        DataError: the subfolders are the splits of a data set: to be read one by one.
    """
    start = len(shared_folders(names))
    inside: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        folder, slash, rest = name[start:].partition("/")
        inside[folder if slash else ""].append(rest if slash else folder)
    beside = [f"{names[0][:start]}{name}" for name in inside.pop("", [])]
    if len(inside) < 2 and not (inside and beside):
        return Arranged(list(names), Labels())
    _refuse_splits(sorted(inside), names[0][:start], where)
    if _are_parts(inside):
        return Arranged(list(names), Labels(notes=(_said(inside, "parts of the set, not classes"),)))
    if not beside:
        return Arranged(list(names), from_subfolders(names))
    return _with_strays(list(names), beside, inside)


def _with_strays(names: list[str], beside: list[str], inside: Mapping[str, Sequence[str]]) -> Arranged:
    """Leave out pictures beside the class folders where they are fewer than any of these holds."""
    count = f"{len(beside)} picture{'s' if len(beside) > 1 else ''} beside the subfolders"
    if len(inside) < 2 or len(beside) >= min(map(len, inside.values())):
        note = f"{count} {'are' if len(beside) > 1 else 'is'} read too, so subfolders are not taken for classes"
        return Arranged(names, Labels(notes=(note,)))
    strays = set(beside)
    kept = [name for name in names if name not in strays]
    labels = from_subfolders(kept)
    note = f"{count} left out: {_listed(beside)}; the subfolders are classes"
    return Arranged(kept, Labels(labels.values, labels.classes, (*labels.notes, note)))


def _refuse_splits(folders: Sequence[str], above: str, where: str) -> None:
    if len(folders) > 1 and all(_SPLIT.fullmatch(folder) for folder in folders):
        raise DataError(
            f"{where} holds {_listed([f'{folder}/' for folder in folders])}, the splits of a data set and not its "
            f"classes: name one of them, as in {where}/{printable(above)}{printable(folders[0])}"
        )


def _are_parts(inside: Mapping[str, Sequence[str]]) -> bool:
    """Tell whether subfolders are numbered parts: called so, or named after the first number of the files in them.

    Classes are numbered too, and their files: only zero-padded folders, which hold one stretch of numbers each, are
    surely parts (00000/00000.png ... 00999.png, 01000/01000.png ...), or those of a thousand, counted by StyleGAN.
    """
    if all(_PART.fullmatch(folder) for folder in inside):
        return True
    if not all(folder.isascii() and folder.isdigit() and len(folder) >= _PADDED for folder in inside):
        return False
    numbers = {int(folder): [_number(name) for name in files] for folder, files in inside.items()}
    found = {folder: [n for n in files if n is not None] for folder, files in numbers.items()}
    if any(len(found[folder]) < len(files) for folder, files in numbers.items()):
        return False
    if all(n // _COUNTED == folder for folder, files in found.items() for n in files):
        return all(len(folder) > _PADDED for folder in inside)
    longest = max(map(len, found.values()))
    sizes = {10**power for power in range(1, 7)} | {longest}
    return longest > 1 and any(
        all(n // size * size == folder for folder, files in found.items() for n in files) for size in sizes if size > 1
    )


def _number(name: str) -> int | None:
    """Return the last number of a file's name, before its suffix."""
    digits = re.findall(r"\d+", name.rpartition("/")[2].rpartition(".")[0])
    return int(digits[-1][-18:]) if digits else None


def _said(inside: Mapping[str, Sequence[str]], what: str) -> str:
    return f"the {len(inside)} subfolders ({_listed(sorted(inside))}) were taken for {what}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(printable, names[:_SHOWN])) + (", …" if len(names) > _SHOWN else "")


def is_hidden(name: str) -> bool:
    """Tell whether an archive's member is hidden, or what a Mac packs beside: by any part of its name."""
    return any(part.startswith((".", "__MACOSX")) and part not in (".", "..") for part in name.split("/"))


def passed_over(others: Counter[str]) -> tuple[str, ...]:
    """Say how many files were passed over, by suffix."""
    count = sum(others.values())
    if not count:
        return ()
    kinds = ", ".join(f"{number} {printable(suffix)}" for suffix, number in others.most_common(_SHOWN))
    more = ", …" if len(others) > _SHOWN else ""
    return (f"{count} file{'s' if count > 1 else ''} of other kinds passed over ({kinds}{more})",)


def other_kinds(names: Iterable[str]) -> Counter[str]:
    """Count file names by suffix."""
    return Counter(
        f".{suffix.lower()}" if dot else "without a suffix"
        for _, dot, suffix in (n.rpartition("/")[2].rpartition(".") for n in names)
    )
