"""What the operations of a program take and give, and where each lies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Value:
    """A result of the list.

    Args:
        tensor: it, in the first call.
        slot: where each call keeps it; None if it lies in one place for good.
        constant: the numbers are the same in each call.
        owned: it lies in memory of the program's own, which may be written over.
    """

    tensor: Any
    slot: int | None = None
    constant: bool = False
    owned: bool = False


@dataclass(frozen=True)
class Done:
    """An operation as it was carried out in the first call.

    Args:
        operation: the function.
        args, kwargs: of it; tensors of the list are `Value`s.
        result: where it lies.
    """

    operation: Any
    args: Sequence[Any]
    kwargs: dict[str, Any]
    result: Any


def values_in(args: Any) -> list[Value]:
    """Those among arguments, and in lists among them."""
    found: list[Value] = []
    for one in args:
        found += [one] if isinstance(one, Value) else values_in(one) if _is_list(one) else []
    return found


def plain(args: Any) -> list[Any]:
    """Arguments as they are in the first call."""
    return [
        one.tensor if isinstance(one, Value) else plain(one) if _is_list(one) else one
        for one in args
    ]


def now(one: Any, kept: Sequence[Any]) -> Any:
    """An argument as it is in this call."""
    if type(one) is Value:
        return one.tensor if one.slot is None else kept[one.slot]
    return [now(each, kept) for each in one] if _is_list(one) else one


def _is_list(one: Any) -> bool:
    return isinstance(one, list | tuple)
