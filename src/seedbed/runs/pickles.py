"""Looks through the pickle of a checkpoint before torch unpickles it.

Torch calls nothing that runs code, but what it calls can be asked for any amount of memory, and
keys can be built whose hash takes for ever or overflows the stack. Here nothing is built: a pickle
is followed step by step, and may only do what those of weights do.
"""

import pickletools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from seedbed.errors import CheckpointError
from seedbed.process.torch_private import number_types

MOST_STEPS = 4_000_000
"""Of a pickle; a tensor takes some twenty."""

LARGEST_KEY = 2**40
"""Integers of many times that size can be made to have one hash."""

CALLED = {
    "collections OrderedDict",
    "collections Counter",
    "torch Size",
    "torch device",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_tensor_v3",
    "torch._utils _rebuild_parameter",
    "builtins complex",
    "__builtin__ complex",
    "_codecs encode",
}
"""What takes no more memory than it is given."""

NAMED = {
    "torch.storage UntypedStorage",
    *(f"torch {name}" for name in number_types),
}
"""Types of storages and of numbers, which are not called."""

PUSHED = ("INT", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE")
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass(frozen=True)
class _Global:
    """A name that the pickle has looked up."""

    name: str


class _Built:
    """A container, or what a call gave."""


class _Mark:
    """Where the elements of a container begin."""


STRANGE = "holds more than weights and was not opened, as it could run code"


def refuse_strange_pickle(pickled: bytes) -> None:
    """Follows a pickle.

    Raises:
        CheckpointError: if it does what no checkpoint does.
        Exception: of many kinds, if it is damaged.
    """
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    for step, (operation, argument, _) in enumerate(pickletools.genops(pickled)):
        if step > MOST_STEPS:
            raise CheckpointError(f"holds more than {MOST_STEPS} values")
        name = operation.name
        if name in PUSHED:
            stack.append(argument)
        elif name in ("BINPUT", "LONG_BINPUT"):
            memo[argument or 0] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument or 0])
        elif name == "MARK":
            stack.append(_Mark)
        elif name in CONSTANTS:
            stack.append(CONSTANTS[name])
        elif name not in ("PROTO", "STOP"):
            _follow(name, argument, stack)


def _follow(name: str, argument: Any, stack: list[Any]) -> None:
    """One of the steps that build."""
    if name in ("EMPTY_DICT", "EMPTY_LIST"):
        stack.append(_Built())
    elif name == "EMPTY_TUPLE":
        stack.append(())
    elif name in TUPLES:
        stack[-TUPLES[name] :] = [tuple(stack[-TUPLES[name] :])]
    elif name == "TUPLE":
        stack.append(tuple(_since_mark(stack)))
    elif name == "GLOBAL":
        if argument not in CALLED | NAMED:
            raise CheckpointError(STRANGE)
        stack.append(_Global(argument))
    elif name == "BINPERSID":
        stack[-1] = _Built()
    elif name == "REDUCE":
        _refuse_call(arguments=stack.pop(), called=stack[-1])
        stack[-1] = _Built()
    elif name in ("BUILD", "APPEND"):
        stack.pop()
    elif name == "APPENDS":
        _since_mark(stack)
    elif name == "SETITEM":
        stack.pop()
        _refuse_keys([stack.pop()])
    elif name == "SETITEMS":
        _refuse_keys(_since_mark(stack)[::2])
    else:
        raise CheckpointError(STRANGE)


def _since_mark(stack: list[Any]) -> list[Any]:
    """What lies above the last mark, taken off with it."""
    at = len(stack) - 1
    while stack[at] is not _Mark:
        at -= 1
        if at < 0:
            raise CheckpointError("is damaged: it ends what it did not begin")
    items = stack[at + 1 :]
    del stack[at:]
    return items


def _refuse_call(arguments: Any, called: Any) -> None:
    name = called.name if isinstance(called, _Global) else ""
    if name not in CALLED or not isinstance(arguments, tuple):
        raise CheckpointError(STRANGE)
    if name == "_codecs encode" and arguments[1:] != ("latin1",):
        raise CheckpointError("holds bytes in a code that could unpack to more than they are")


def _refuse_keys(keys: Iterable[Any]) -> None:
    for key in keys:
        if type(key) is not str and not (type(key) is int and abs(key) < LARGEST_KEY):
            raise CheckpointError("has keys that are no names or numbers, as no checkpoint does")
