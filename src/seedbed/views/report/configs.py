"""The config that all runs share, as YAML; the table has the keys that differ."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from seedbed.catalog.record import RunRecord
from seedbed.catalog.values import identity
from seedbed.errors import RunDirectoryError
from seedbed.runs.files import printable
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_config
from seedbed.runs.yaml_text import dumped

LONGEST = 200_000
"""Characters of YAML; rows of data may stand in a config."""


def shared_config(records: Sequence[RunRecord], shown: Iterable[str]) -> dict[str, Any]:
    """The shared part, and names of keys that differ without a column of their own.

    Args:
        records: of the runs.
        shown: keys that have a column.
    """
    differing = differing_settings(records)
    hidden = [key for key in differing if key not in {*shown}]
    text, problem = "", ""
    try:
        text = dumped(_without(read_config(RunPaths(records[0].path)), {*differing}, ""))
    except RunDirectoryError as err:
        problem = err.problems[0]
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}\n# and {len(text) - LONGEST} characters more"
    return {"yaml": printable(text), "problem": problem, "hidden": list(map(printable, hidden))}


def differing_settings(records: Sequence[RunRecord]) -> list[str]:
    """Dotted keys that do not have one value in all runs, whatever they are for."""
    first = {key: identity(value) for key, value in records[0].settings.items()}
    differing: dict[str, None] = {}
    for run in records[1:]:
        if run.settings is not records[0].settings:
            differing |= dict.fromkeys(
                key for key, value in run.settings.items()
                if key not in first or (value is not records[0].settings[key]
                                        and identity(value) != first[key])
            )  # fmt: skip
            differing |= dict.fromkeys(key for key in first if key not in run.settings)
    return list(differing)


def _without(mapping: Mapping[Any, Any], keys: set[str], prefix: str) -> dict[Any, Any]:
    """The mapping without some dotted keys, and without what is empty then."""
    left: dict[Any, Any] = {}
    for key, value in mapping.items():
        name = f"{prefix}{printable(str(key))}"
        if isinstance(value, dict) and value:
            inner = _without(value, keys, f"{name}.")
            if inner:
                left[key] = inner
        elif name not in keys:
            left[key] = value
    return left
