"""The order of runs by what they have under names; those that have nothing there come last."""

import json
import re
from collections.abc import Sequence
from typing import Any

from seedbed.catalog.record import RunRecord
from seedbed.catalog.values import full_name, is_nothing, keys_of, value_of
from seedbed.config.hints import did_you_mean
from seedbed.errors import ArgumentError

LISTED = re.compile(r"(?:[^,`]|`[^`]*`?)+")
"""A name of several with commas between."""


def in_order(runs: Sequence[RunRecord], keys: str) -> tuple[list[RunRecord], dict[str, int]]:
    """The runs by the first name, then by the next.

    Args:
        runs: in the order that equal ones keep.
        keys: names with commas between; the largest is first where a `-` stands in front.

    Returns:
        The runs, and how many have no value or NaN under a name, by the name.

    Raises:
        ArgumentError: for a name that no run has.
    """
    ordered, without = list(runs), {}
    names = known_names(runs, keys, "--sort")
    for name in reversed(names):
        key, reverse = name.removeprefix("-"), name.startswith("-")
        having = [run for run in ordered if not is_nothing(value_of(run, key))]
        having.sort(key=lambda run: _rank(value_of(run, key)), reverse=reverse)
        rest = [run for run in ordered if is_nothing(value_of(run, key))]
        if rest and having:
            without[key] = len(rest)
        ordered = having + rest
    return ordered, without


def known_names(runs: Sequence[RunRecord], keys: str, flag: str) -> list[str]:
    """The names that a flag lists.

    Args:
        runs: that may have them; where there are none, every name is taken.
        keys: with commas between; one that holds a comma stands in backticks.
        flag: that lists them, for the error.

    Raises:
        ArgumentError: for a name that no run has.
    """
    there = keys_of(runs)
    names = [one.strip().replace("`", "") for one in LISTED.findall(keys) if one.strip()]
    if not names:
        raise ArgumentError(f"{flag}: names no column; type {flag} val/loss, say")
    known = []
    for name in names:
        minus = "-" if flag == "--sort" and name.startswith("-") else ""
        plain = full_name(name.removeprefix(minus), there)
        if runs and plain not in there and plain.removeprefix("config.") not in there:
            hint = did_you_mean(plain, there) or "; --json --limit 1 shows the names"
            raise ArgumentError(f"{flag}: no run has '{plain}'{hint}")
        known.append(f"{minus}{plain}")
    return known


def _rank(value: Any) -> tuple[int, Any]:
    """Numbers before texts, and these before lists: values of two kinds have no order."""
    if isinstance(value, bool):
        return 0, value
    if isinstance(value, int | float):
        return 1, value
    if isinstance(value, str):
        return 2, value
    if isinstance(value, list | dict):
        return 3, json.dumps(value)
    return 4, value
