"""What a value may not be whose type the schema leaves open: an argument of a class, a row."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from seedbed.config.hints import written
from seedbed.errors import ConfigError

LARGEST_WHOLE = 2**63 - 1
LONGEST_TEXT = 10_000
DEEPEST = 32


class Absurd(Exception):
    """Where in a value something absurd stands, and what: ` must be …, got …`."""


def refuse_absurd(value: Any, where: str = "", depth: int = 0) -> None:
    """Looks through containers for what no class can take.

    Raises:
        Absurd: for an integer of more than 64 bits, a text of thousands of characters, or
            containers that are nested too deeply.
    """
    kind = type(value)
    if kind is float or kind is bool or value is None:
        return
    if kind is int:
        if not -LARGEST_WHOLE <= value <= LARGEST_WHOLE:
            raise Absurd(f"{where} must be a number of 64 bits, got {written(value)[:40]}")
    elif kind is str:
        if len(value) > LONGEST_TEXT:
            raise Absurd(f"{where} must have {LONGEST_TEXT} characters at most, got {len(value)}")
    elif depth > DEEPEST:
        raise Absurd(f" must not be nested more than {DEEPEST} levels deep")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            refuse_absurd(key, f"{where} (a key)", depth + 1)
            refuse_absurd(item, f"{where}.{str(key)[:80]}", depth + 1)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            if type(item) is not float:
                refuse_absurd(item, f"{where}[{index}]", depth + 1)


NUMBER = re.compile(r"\d{401}")
"""More digits than the largest float has."""


def refuse_absurd_overrides(overrides: Iterable[str]) -> None:
    """Looks at overrides before they are parsed, which is done by recursion.

    Raises:
        ConfigError: naming those with numbers of hundreds of digits, or brackets within brackets
            that are too deep.
    """
    problems = []
    for text in overrides:
        start = f"{text[:60]}…" if len(text) > 60 else text
        if NUMBER.search(text):
            problems.append(f"cannot read the override '{start}': a number of hundreds of digits")
        elif _depth(text) > DEEPEST:
            problems.append(
                f"cannot read the override '{start}': more than {DEEPEST} brackets deep"
            )
    if problems:
        raise ConfigError(*problems)


def _depth(text: str) -> int:
    depth = deepest = 0
    for mark in re.findall(r"[\[({\])}]", text):
        depth += 1 if mark in "[({" else -1
        deepest = max(deepest, depth)
    return deepest
