"""What `metrics` of a config asks for, read without importing what it names.

An entry is a name (`Recall`), a name with its arguments (`{FBetaScore: {beta: 2.0}}`), or a
function or class of the user's own (`{_target_: my_package.worst}`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seedbed.config.absurd import Absurd, refuse_absurd
from seedbed.config.fitting import Refused, as_typed, fitted
from seedbed.config.ranges import MetricEntries

TARGET = "_target_"
TORCHMETRICS = "torchmetrics"

OUR_KEYS = ("name", "higher_is_better")
"""Beside the arguments of an entry, and no arguments themselves."""

NAME = re.compile(r"[A-Za-z_][\w-]{0,59}", re.ASCII)
"""Of a column, behind `val/`."""

QUOTED = re.compile(r"[^'\"\\$\x00-\x1f]{0,60}")
"""A text that stands in double quotes as it is, within an override in single ones."""

TAKEN = ("loss", "lr")
"""Names of other columns."""


@dataclass(frozen=True)
class MetricSpec:
    """One metric that a config asks for.

    Args:
        where: the entry, for errors: `metrics[0]`.
        name: of its columns, behind `val/` and `test/`.
        known_as: a name of Seedbed's or of torchmetrics'; empty of one's own.
        target: the dotted name of one's own; empty of a known one.
        arguments: that it is made with.
        higher_is_better: as the entry says; None where it does not.
    """

    where: str
    name: str
    known_as: str
    target: str
    arguments: Mapping[str, Any]
    higher_is_better: bool | None


class _Misread(Exception):
    """What is wrong with an entry, with what to type."""


def metric_specs(entries: Sequence[Any] | None) -> list[MetricSpec]:
    """What a checked config asks for; empty where it takes what the task measures."""
    return [_spec(f"metrics[{number}]", entry) for number, entry in enumerate(entries or ())]


def problems_of_metrics(entries: Sequence[Any] | None) -> list[str]:
    """What is wrong with the form of `metrics`, a line for each entry."""
    problems, seen = [], dict[str, int]()
    for number, entry in enumerate(entries or ()):
        where = f"metrics[{number}]"
        try:
            name = _spec(where, entry).name
        except _Misread as err:
            problems.append(f"{where}{err}")
            continue
        if name in seen:
            alike = entry == (entries or ())[seen[name]]
            other = f"give one another name: {_with_name(entry, name)}"
            problems.append(
                f"{where} is called '{name}', as metrics[{seen[name]}] is; "
                f"{'leave one out' if alike else other}"
            )
        seen.setdefault(name, number)
    return problems


def problems_of_any(entries: Any) -> list[str]:
    """What is wrong with `metrics` of a config that was not checked, as a stranger's."""
    try:
        found = fitted(MetricEntries, entries)
        refuse_absurd(found)
    except Absurd as err:
        return [f"metrics{err}"]
    except Refused as err:
        return [f"metrics must be {err}, got {as_typed(entries)}"]
    return problems_of_metrics(found)


def _spec(where: str, entry: Any) -> MetricSpec:
    target, known_as, arguments = _parts(entry)
    ours = {key: arguments.pop(key) for key in OUR_KEYS if key in arguments}
    higher = ours.get("higher_is_better")
    if not isinstance(higher, bool | None):
        raise _Misread(f".higher_is_better must be true, false or null, got {as_typed(higher)}")
    name = ours.get("name")
    if name is None:
        name = known_as or target.rpartition(".")[2]
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise _Misread(
            ".name must be a text of letters, digits, '_' and '-', which begins with a letter, "
            f"got {as_typed(name)}"
        )
    if name in TAKEN:
        raise _Misread(f": '{name}' is another column; give it a name, such as name: my_{name}")
    return MetricSpec(where, name, known_as, target, arguments, higher)


def _parts(entry: Any) -> tuple[str, str, dict[str, Any]]:
    """The target, or the known name, and the arguments with our own keys among them."""
    if isinstance(entry, str):
        if "." in entry:
            raise _Misread(
                f" must be a name, got {as_typed(entry)}; what lies in a package is typed "
                f"'{{_target_: {entry}}}'"
            )
        return _known(entry, {})
    if not isinstance(entry, Mapping):
        raise _Misread(
            " must be a name, such as accuracy or Recall, a name with its arguments, "
            f"'{{FBetaScore: {{beta: 2.0}}}}', or '{{_target_: my_package.my_metric}}', got "
            f"{as_typed(entry)}"
        )
    if TARGET in entry:
        target = entry[TARGET]
        arguments = {str(key): value for key, value in entry.items() if key != TARGET}
        if not isinstance(target, str) or "." not in target.strip("."):
            raise _Misread(
                f".{TARGET} must be the dotted name of a function or a class, such as "
                f"my_package.my_metric, got {as_typed(target)}{_by_its_name(target, arguments)}"
            )
        package, _, name = target.partition(".")
        if package == TORCHMETRICS:
            return _known(name.rpartition(".")[2], arguments)
        return target, "", arguments
    if len(entry) != 1:
        raise _Misread(
            " must hold one name, with its arguments below it, such as "
            f"'{{FBetaScore: {{beta: 2.0}}}}', got {as_typed(entry)}"
        )
    ((name, arguments),) = entry.items()
    if not isinstance(arguments, Mapping | None):
        raise _Misread(
            f".{name} must hold the arguments of {name} by name, got {as_typed(arguments)}"
        )
    return _known(name, {str(key): value for key, value in (arguments or {}).items()})


def _by_its_name(target: Any, arguments: dict[str, Any]) -> str:
    """What is typed for a metric that is known by a name, if it is one."""
    if not isinstance(target, str) or not NAME.fullmatch(target):
        return ""
    held = ", ".join(f"{key}: {_in_braces(value)}" for key, value in arguments.items())
    typed = f"'{{{target}: {{{held}}}}}'" if held else target
    return f"; what needs no package goes by its name alone, {typed}"


def _in_braces(value: Any) -> str:
    """A value as it is typed within a quoted override; an ellipsis for what is no plain one."""
    if isinstance(value, str):
        return f'"{value}"' if QUOTED.fullmatch(value) else "…"
    return as_typed(value) if value is None or isinstance(value, bool | int | float) else "…"


def _known(name: Any, arguments: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise _Misread(f" must be the name of a metric, got {as_typed(name)}")
    return "", name, arguments


def _with_name(entry: Any, name: str) -> str:
    """The entry as it would be typed with a name of its own."""
    other = f"name: {name}_2"
    if isinstance(entry, Mapping) and TARGET in entry:
        return f"'{{_target_: {entry[TARGET]}, {other}}}'"
    return f"'{{{name}: {{{other}}}}}'"
