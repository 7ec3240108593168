"""Pickles of plain values and one array, read without running anything: a machine of our own in place of ``pickle``.

A pickle is a program for a machine with a stack. This one knows the few instructions that CIFAR's batches are made of;
what the program would call is recorded by name and never called, imported or looked up. Any other instruction ends it.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

MOST_OPCODES = 500_000  # CIFAR-100 has 200 000 for training; each makes an object of 60 bytes at most
_LONGEST_KEY = 100
_CALLED = frozenset(
    {
        "numpy.core.multiarray._reconstruct",
        "numpy._core.multiarray._reconstruct",
        "numpy.ndarray",
        "numpy.dtype",
        "_codecs.encode",
    }
)


class PickleError(ValueError):
    """A pickle that is not read: the text says why."""


@dataclass(eq=False)
class Recorded:
    """What a pickle would call.

    Attributes:
        name: of the function or class. arguments: what it would be called with, a tuple; ``None`` before that.
        state: what would be set afterwards.
    """

    name: str
    arguments: object = None
    state: object = None


def resolved(value: object) -> object:
    """Return the bytes that a recorded ``_codecs.encode`` of Latin-1 stands for, or any other value as it is.

    Python 3 writes bytes so for older readers. It is not done at once: a program may ask for it a million times.

    Raises:
        PickleError: the text is no Latin-1.
    """
    if not isinstance(value, Recorded) or value.name != "_codecs.encode":
        return value
    given = value.arguments if isinstance(value.arguments, tuple) else ()
    if len(given) != 2 or not isinstance(given[0], str) or given[1] not in ("latin1", "latin-1"):
        raise PickleError("it encodes what is no text, or not as Latin-1")
    return latin(given[0])


def latin(text: str) -> bytes:
    """Return the bytes of a text of Latin-1.

    Raises:
        PickleError: it is none.
    """
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise PickleError("it has text in place of bytes") from None


def read_plain_pickle(file: IO[bytes]) -> object:
    """Return what a pickle holds: texts, bytes, whole numbers, lists, tuples, dicts, and records of calls.

    Args:
        file: whose ``read`` makes no room for more bytes than there are (``BytesIO``, ``mmap``): lengths may be lies.

    Raises:
        PickleError: it holds anything else, is damaged, or is made to use up memory.
    """
    machine = _Machine()
    try:
        for number, (opcode, argument, _) in enumerate(pickletools.genops(file)):
            if number >= MOST_OPCODES:
                raise PickleError(f"it has more than {MOST_OPCODES} instructions")
            if opcode.name == "STOP":
                return machine.pop()
            machine.step(opcode.name, argument, number)
    except PickleError:
        raise
    except Exception as error:  # noqa: BLE001 (pickletools fails on hostile bytes in any way)
        reason = (str(error).splitlines() or [""])[0][:100]
        raise PickleError(f"it is damaged: {type(error).__name__} {reason}".strip()) from None
    raise PickleError("it is damaged: it does not end")


class _Machine:
    """The stack, the stacks below each mark, and the memo."""

    def __init__(self) -> None:
        self.stack: list[object] = []
        self.below: list[list[object]] = []
        self.memo: dict[int, object] = {}

    def step(self, name: str, argument: object, number: int) -> None:
        """Do one instruction, the ``number``-th.

        Raises:
            PickleError: it is none that is known.
        """
        if name in _LITERALS:
            self.push(_CONSTANTS.get(name, argument))
        elif name in _REMEMBER:
            self._remember(len(self.memo) if name == "MEMOIZE" else argument, number)
        elif name in ("BINGET", "LONG_BINGET"):
            assert isinstance(argument, int)
            self.push(self.memo[argument])
        elif name == "GLOBAL":
            self._name(str(argument).replace(" ", ".", 1))
        elif name in _STEPS:
            _STEPS[name](self)
        elif name not in ("PROTO", "FRAME"):
            raise PickleError(f"it holds the instruction {name}, which no batch needs")

    def push(self, value: object) -> None:
        """Lay a value on the stack."""
        self.stack.append(value)

    def pop(self) -> object:
        """Take the top of the stack."""
        return self.stack.pop()

    def _remember(self, place: object, number: int) -> None:
        """Keep the top of the stack; places are numbered as they come, and ``pickle`` makes room up to the largest."""
        if not isinstance(place, int) or place > number:
            raise PickleError(
                f"it puts something at place {place} of its memory, and {number} instructions came before"
            )
        self.memo[place] = self.stack[-1]

    def _name(self, name: str) -> None:
        if name not in _CALLED:
            raise PickleError(f"it would call {name[:80]!r}, which no batch needs")
        self.push(Recorded(name))

    def named_on_stack(self) -> None:
        """Record the function whose module and name lie on the stack."""
        name, module = self.pop(), self.pop()
        self._name(f"{module}.{name}" if isinstance(name, str) and isinstance(module, str) else "something unnamed")

    def marked(self) -> list[object]:
        """Take everything above the last mark."""
        above, self.stack = self.stack, self.below.pop()
        return above

    def mark(self) -> None:
        """Set a mark."""
        self.below.append(self.stack)
        self.stack = []

    def append(self, values: list[object]) -> None:
        """Append values to the list on top."""
        found = self.stack[-1]
        if not isinstance(found, list):
            raise PickleError("it appends to what is no list")
        found.extend(values)

    def set_items(self, pairs: list[object]) -> None:
        """Set items of the dict on top; keys become texts: hashing tuples within tuples may take for ever."""
        found = self.stack[-1]
        if not isinstance(found, dict) or len(pairs) % 2:
            raise PickleError("it sets items of what is no dict")
        found.update(zip(map(_key, pairs[::2]), pairs[1::2], strict=True))

    def top(self, count: int) -> list[object]:
        """Take the ``count`` values on top."""
        if len(self.stack) < count:
            raise PickleError("it is damaged: its stack is empty")
        taken = self.stack[-count:]
        del self.stack[-count:]
        return taken

    def call(self) -> None:
        """Record a call with the arguments on top."""
        called, arguments = self.top(2)
        if not isinstance(called, Recorded) or called.arguments is not None or not isinstance(arguments, tuple):
            raise PickleError("it calls what is no function")
        self.push(Recorded(called.name, arguments))

    def build(self) -> None:
        """Record the state of the object below it."""
        state = self.pop()
        built = self.stack[-1]
        if not isinstance(built, Recorded) or built.arguments is None or built.state is not None:
            raise PickleError("it sets the state of what is no array")
        built.state = state


def _key(value: object) -> str:
    if isinstance(value, Recorded) and value.name == "_codecs.encode" and isinstance(value.arguments, tuple):
        value = next(iter(value.arguments), None)  # a text, of plain letters where it is a key that is looked for
    if not isinstance(value, str | bytes) or len(value) > _LONGEST_KEY:
        raise PickleError("a dict in it has keys that are no short texts")
    return value.decode("latin-1") if isinstance(value, bytes) else value


_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS = frozenset(
    (*_CONSTANTS, "BININT", "BININT1", "BININT2", "LONG1", "BINSTRING", "SHORT_BINSTRING", "BINUNICODE")
) | {"SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"}
_REMEMBER = ("BINPUT", "LONG_BINPUT", "MEMOIZE")
_STEPS: dict[str, Callable[[_Machine], None]] = {
    "MARK": _Machine.mark,
    "EMPTY_DICT": lambda machine: machine.push({}),
    "EMPTY_LIST": lambda machine: machine.push([]),
    "EMPTY_TUPLE": lambda machine: machine.push(()),
    "TUPLE": lambda machine: machine.push(tuple(machine.marked())),
    "TUPLE1": lambda machine: machine.push(tuple(machine.top(1))),
    "TUPLE2": lambda machine: machine.push(tuple(machine.top(2))),
    "TUPLE3": lambda machine: machine.push(tuple(machine.top(3))),
    "APPEND": lambda machine: machine.append(machine.top(1)),
    "APPENDS": lambda machine: machine.append(machine.marked()),
    "SETITEM": lambda machine: machine.set_items(machine.top(2)),
    "SETITEMS": lambda machine: machine.set_items(machine.marked()),
    "STACK_GLOBAL": _Machine.named_on_stack,
    "REDUCE": _Machine.call,
    "BUILD": _Machine.build,
}
