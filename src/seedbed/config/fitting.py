"""Fits one value to the type of its key, or says what is allowed."""

import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from seedbed.config.hints import did_you_mean, written
from seedbed.config.ranges import Constraint, Length, Range
from seedbed.config.schema import ABSENT, NO_KEY
from seedbed.config.task_names import AUTO, TARGET_KINDS, TaskName


class Refused(Exception):
    """A value that does not fit its key.

    Args:
        allowed: what fits.
        hint: on what was meant.
        beyond: a bound that is only named where it is broken.
    """

    def __init__(self, allowed: object, hint: str = "", beyond: str = "") -> None:
        super().__init__(" ".join(filter(None, [str(allowed), beyond])))
        self.hint = hint
        self.beyond = beyond


@cache
def hints_of(schema: type) -> dict[str, Any]:
    """The type of each key of a schema, constraints included."""
    hints = get_type_hints(schema, include_extras=True)
    keys = [one.name for one in fields(schema) if NO_KEY not in one.metadata]
    return {name: hints[name] for name in keys}


@cache
def absent_values(schema: type) -> dict[str, Any]:
    """The keys of a schema that a config may lack, and what that means; see `schema.ABSENT`."""
    return {one.name: one.metadata[ABSENT] for one in fields(schema) if ABSENT in one.metadata}


def fitted(hint: Any, value: Any) -> Any:
    """`value` as the type `hint`.

    Raises:
        Refused: saying what is allowed.
    """
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *constraints = get_args(hint)
        try:
            fits = fitted(inner, value)
        except Refused as refused:
            raise Refused(_described(refused, constraints), refused.hint) from None
        if not all(constraint.allows(fits) for constraint in constraints):
            beyond = [one.beyond(fits) for one in constraints if isinstance(one, Range | Length)]
            raise Refused(_described(_words(inner), constraints), beyond=" ".join(beyond))
        return fits
    if origin in (Union, types.UnionType):
        return _fitted_union(hint, value)
    if origin is Literal:
        return _fitted_choice(get_args(hint), value)
    if hint is TaskName:
        return _fitted_choice((AUTO, *TARGET_KINDS), value)
    if origin is list:
        return _fitted_list(hint, value)
    return _fitted_plain(hint, value)


def _fitted_choice(choices: Sequence[Any], value: Any) -> Any:
    if value in choices and not isinstance(value, bool):
        return value
    allowed = [str(choice) for choice in choices]
    text = f"one of {', '.join(allowed)}" if len(allowed) > 1 else allowed[0]
    raise Refused(text, did_you_mean(written(value)[:80], allowed))


def _fitted_union(hint: Any, value: Any) -> Any:
    choices = get_args(hint)
    if value is None and type(None) in choices:
        return None
    refusals = []
    for choice in choices:
        if choice is not type(None):
            try:
                return fitted(choice, value)
            except Refused as refused:
                refusals.append(str(refused))
    if type(None) in choices:
        refusals.append("null")
    raise Refused(" or ".join(refusals))


def _fitted_list(hint: Any, value: Any) -> Any:
    (item,) = get_args(hint)
    if not isinstance(value, list):
        raise Refused(_words(hint))
    try:
        return [fitted(item, element) for element in value]
    except Refused as refused:
        each = refused.beyond.replace("and", "each", 1)
        raise Refused(_words(hint), beyond=each) from None


def _fitted_plain(hint: Any, value: Any) -> Any:
    if hint is Any:
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return as_float(value)
    if hint is str and isinstance(value, int | float) and not isinstance(value, bool):
        return written(value)
    if get_origin(hint) is dict:
        if isinstance(value, Mapping):
            return dict(value)
        raise Refused("a mapping of keys to values")
    if isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    raise Refused(_words(hint))


def as_float(value: float) -> float:
    """A number, integers of any size too: beyond the largest float they are infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _words(hint: Any) -> str:
    if get_origin(hint) is list:
        (item,) = get_args(hint)
        return f"a list of {_plural(item)}"
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(_words(choice) for choice in get_args(hint))
    if get_origin(hint) is Annotated:
        return _described(_words(get_args(hint)[0]), list(get_args(hint)[1:]))
    names = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    return names.get(hint, "a mapping" if get_origin(hint) is dict else "null")


def _plural(item: Any) -> str:
    constraints: list[Constraint] = []
    if get_origin(item) is Annotated:
        item, *constraints = get_args(item)
    is_mapping = get_origin(item) is dict
    words = {int: "whole numbers", float: "numbers", str: "texts"}.get(item, "values")
    words = "mappings" if is_mapping else words
    bounds = [str(one) for one in constraints if isinstance(one, Range)]
    return " ".join([words, *bounds])


def _described(words: object, constraints: list[Constraint]) -> str:
    parts = [str(constraint) for constraint in constraints if str(constraint)]
    return str(words) if any(one in str(words) for one in parts) else " ".join([str(words), *parts])


def as_typed(value: Any) -> str:
    """A value as the user would have typed it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value[:80]) if isinstance(value, str) else written(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
