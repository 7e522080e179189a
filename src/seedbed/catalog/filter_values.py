"""Whether one value is as a comparison of a filter asks."""

import math
from collections.abc import Callable
from datetime import datetime
from operator import ge, gt, le, lt
from typing import Any

from seedbed.catalog.filter_text import Comparison

ORDERS: dict[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
"""Comparisons of values of which one is less than another."""


def test_of(asked: Comparison, several: bool) -> Callable[[Any], bool]:
    """Tells whether a value is as asked, without the `not`.

    Args:
        asked: its value is of a kind that the values have.
        several: whether a run has any number of them: one is asked for.
    """
    value, operator = asked.value, asked.operator
    if several and not isinstance(value, list):
        words = [asked.written]
        if operator == "~":
            return lambda held: any(words[0] in one for one in held)
        return lambda held: (words[0] in held) if value is not None else not held
    if several and operator == "in":
        return lambda held: any(one in held for one in map(str, value))
    if operator == "~":
        return lambda held: _contains(held, asked)
    if operator == "in":
        return lambda held: any(_equal(held, one) for one in value)
    if operator == "=":
        return lambda held: _equal(held, value)
    return lambda held: kind_of(held) == kind_of(value) and ORDERS[operator](held, value)


def _contains(held: Any, asked: Comparison) -> bool:
    if isinstance(held, list):
        return any(_equal(one, asked.value) for one in held)
    return isinstance(held, str) and asked.written in held


def _equal(held: Any, value: Any) -> bool:
    if isinstance(held, list) and isinstance(value, list):
        return len(held) == len(value) and all(map(_equal, held, value))
    if kind_of(held) != kind_of(value):
        return False
    if isinstance(value, float) and math.isnan(value):
        return isinstance(held, float) and math.isnan(held)
    return bool(held == value)


def kind_of(value: Any) -> str:
    """What may be compared with each other; empty for nothing."""
    match value:
        case None:
            return ""
        case bool():
            return "true or false"
        case int() | float():
            return "numbers"
        case str():
            return "texts"
        case datetime():
            return "times"
    return "tags" if isinstance(value, tuple) else "lists"
