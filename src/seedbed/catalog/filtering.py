"""Which runs fulfil a filter.

A run that has no such value, or NaN, fulfils no comparison; so it does fulfil the opposite: `!=`,
`!~`, `not in` and `not`. `= null` asks for a value that is not there, `= nan` for one that is not
defined.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from seedbed.catalog.filter_text import Comparison, Condition, Joined, Not, parsed
from seedbed.catalog.filter_tokens import mistake
from seedbed.catalog.filter_values import ORDERS, kind_of, test_of
from seedbed.catalog.record import RunRecord
from seedbed.catalog.values import full_name, is_nothing, keys_of, value_of
from seedbed.config.hints import did_you_mean
from seedbed.runs.status import Status

ORDERED = ("numbers", "times")
"""Kinds of values of which one is less than another."""

Check = Callable[[RunRecord], bool]


@dataclass(frozen=True)
class Filtered:
    """What a filter left.

    Args:
        kept: in the order in which they were.
        without: how many runs were left out that do not have a value which the filter compares, by
            its name.
        hint: what the filter may have meant, if it left nothing.
    """

    kept: list[RunRecord]
    without: dict[str, int]
    hint: str = ""


def filtered(runs: Sequence[RunRecord], text: str) -> Filtered:
    """The runs that fulfil a filter.

    Args:
        runs: all that were found; what they hold decides which names and kinds of values there are.
        text: of the filter; see `filter_text.py`.

    Raises:
        ArgumentError: showing the place where it cannot be read, names nothing, or compares values
            of different kinds.
    """
    condition = parsed(text)
    compared: list[Comparison] = []
    holds = _Compiler(runs, text, compared).compiled(condition)
    keys = {one.key for one in compared if not _asks_for_nothing(one)}
    kept, without = [], Counter[str]()
    for run in runs:
        if holds(run):
            kept.append(run)
        else:
            without.update(key for key in keys if is_nothing(value_of(run, key)))
    hint = "" if kept else _hint(runs, compared)
    return Filtered(kept, dict(without), hint)


class _Compiler:
    """Turns a condition into a function of a run, and refuses what makes no sense."""

    def __init__(self, runs: Sequence[RunRecord], text: str, compared: list[Comparison]) -> None:
        self.runs, self.text, self.compared = runs, text, compared
        self.names = keys_of(runs)

    def compiled(self, condition: Condition) -> Check:
        match condition:
            case Not(inner):
                holds = self.compiled(inner)
                return lambda run: not holds(run)
            case Joined(parts, every):
                checks = [self.compiled(part) for part in parts]
                if every:
                    return lambda run: all(check(run) for check in checks)
                return lambda run: any(check(run) for check in checks)
            case Comparison():
                return self.comparison(condition)

    def comparison(self, asked: Comparison) -> Check:
        key = full_name(asked.key, self.names)
        if self.runs and key not in self.names and key.removeprefix("config.") not in self.names:
            hint = did_you_mean(asked.key, self.names)
            raise mistake(self.text, asked.at, f"no run has '{asked.key}'{hint}")
        asked = replace(asked, key=key)
        self.compared.append(asked)
        kinds = {kind_of(value) for value in (value_of(run, key) for run in self.runs)} - {""}
        asked = self.of_kind(asked, kinds)
        test = test_of(asked, _several(key))
        return lambda run: test(value_of(run, key)) != asked.negated

    def of_kind(self, asked: Comparison, kinds: set[str]) -> Comparison:
        """The comparison with its value of a kind that runs have; a date is typed as a word."""
        if _several(asked.key):
            if asked.operator not in ("=", "in", "~"):
                raise self.mistake(asked, "tags are words; = asks for one of them")
            return asked
        if "times" in kinds:
            if asked.operator not in ORDERS and asked.value is not None:
                raise self.mistake(asked, f"'{asked.key}' is a time; <, <=, > and >= compare it")
            values = [self.time(one, asked) for one in _listed(asked)]
            return replace(asked, value=values if asked.operator == "in" else values[0])
        for value in _listed(asked):
            self.refuse_wrong_kind(asked, value, kinds)
        return asked

    def time(self, value: Any, asked: Comparison) -> Any:
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError as err:
            raise mistake(
                self.text,
                asked.value_at,
                f"'{asked.key}' is a time, such as 2026-11-26 or '2026-11-26 14:30', got "
                f"'{asked.written}'",
            ) from err
        return moment if moment.tzinfo else moment.astimezone()

    def refuse_wrong_kind(self, asked: Comparison, value: Any, kinds: set[str]) -> None:
        """Raises `ArgumentError` where no answer would mean anything."""
        key, operator = asked.key, asked.operator
        kind = kind_of(value) or "null"
        if operator == "~":
            if kinds and not kinds & {"texts", "lists"}:
                raise self.mistake(asked, f"~ looks into text, '{key}' has {_told(kinds)}")
        elif operator in ("=", "in"):
            if kind == "null" or not kinds or kind in kinds:
                return
            hint = f"; type '{asked.written}' in quotes" if kinds == {"texts"} else ""
            raise self.mistake(asked, f"'{key}' has {_told(kinds)}, got {_one(value)}{hint}")
        elif kind not in ORDERED:
            raise self.mistake(asked, f"{operator} compares numbers and times, got {_one(value)}")
        elif kinds and kind not in kinds:
            raise self.mistake(asked, f"'{key}' has {_told(kinds)}, got {_one(value)}")

    def mistake(self, asked: Comparison, problem: str) -> Exception:
        return mistake(self.text, asked.value_at, problem)


def _told(kinds: Iterable[str]) -> str:
    return " and ".join(sorted(kinds))


def _one(value: Any) -> str:
    kinds = {"numbers": "the number", "texts": "the text", "lists": "the list"}
    return f"{kinds.get(kind_of(value), 'the value')} {value!r}"


def _listed(asked: Comparison) -> list[Any]:
    return asked.value if asked.operator == "in" else [asked.value]


def _several(key: str) -> bool:
    """Whether a run has any number of them: then `=` asks whether one is among them."""
    return key == "tags"


def _asks_for_nothing(asked: Comparison) -> bool:
    return asked.key == "tags" or any(is_nothing(one) for one in _listed(asked))


def _hint(runs: Sequence[RunRecord], compared: Iterable[Comparison]) -> str:
    """The nearest text that there is, for one that no run has."""
    for asked in compared:
        held = {value for value in (value_of(run, asked.key) for run in runs)
                if isinstance(value, str)}  # fmt: skip
        if asked.key == "status":
            held |= set(Status)
        if asked.operator == "=" and isinstance(asked.value, str) and asked.value not in held:
            near = did_you_mean(asked.value, held) or did_you_mean(asked.value.lower(), held)
            return f"no run has {asked.key}={asked.value}{near}"
    return ""
