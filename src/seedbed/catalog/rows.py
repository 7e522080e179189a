"""A record as a row of the index: what many runs have in common is kept once."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from seedbed.catalog.record import NO_ROW, RunRecord
from seedbed.runs.status import Status

STATUSES = frozenset((*Status, *NO_ROW))

OWN = (
    "status", "started", "seconds", "epoch", "epochs", "metrics", "best", "facts",
    "higher_is_better", "tags", "note", "problem",
)  # fmt: skip
"""Fields of a record that its row holds, in order; the others are shared, or told by its place."""

Row = list[Any]
"""Numbers of the parts, whether there may be runs in the directory, and a record's own fields."""


def shared_parts(record: RunRecord) -> list[Any]:
    """What other runs may have too: the choices, what follows, each group of the settings."""
    groups: dict[str, dict[str, Any]] = {}
    for key, value in record.settings.items():
        groups.setdefault(key.partition(".")[0], {})[key] = value
    return [dict(record.choices), sorted(record.follows), *groups.values()]


def row_of(record: RunRecord, parts: Sequence[int], *, nested: bool) -> Row:
    """Plain containers.

    Args:
        record: of a run.
        parts: the numbers of its `shared_parts`.
        nested: whether there may be runs in its directory.
    """
    own = {name: getattr(record, name) for name in OWN}
    own["started"] = record.started and record.started.isoformat()
    return [parts, nested, *own.values()]


def record_of(
    row: Row, parts: Sequence[Any], path: Path, name: str, sweep: Path | None
) -> RunRecord:
    """The record that a row was made of.

    Args:
        row: checked.
        parts: of all rows.
        path: as in the record, and so the others.
        name: of the run.
        sweep: of the run.
    """
    (choices, follows, *groups), _, *values = row
    own = dict(zip(OWN, values, strict=True))
    own["started"] = own["started"] and datetime.fromisoformat(own["started"])
    own["tags"] = tuple(own["tags"])
    settings: dict[str, Any] = {}
    for number in groups:
        settings.update(parts[number])
    shared = {"settings": settings, "choices": parts[choices], "follows": parts[follows]}
    return RunRecord(path, name, sweep=sweep, **shared, **own)


def is_list_of_keys(part: Any) -> bool:
    """Whether a part of a file can be what follows; the other parts are mappings."""
    return type(part) is list and {*map(type, part)} <= {str}


def refuse_wrong_types(row: Row, mappings: frozenset[int], lists: frozenset[int]) -> None:
    """Refuses a row that no record makes.

    Args:
        row: of a file.
        mappings: the numbers of the parts that are some.
        lists: the numbers of the parts that are lists of keys.

    Raises:
        ValueError: if it is one; so may `TypeError`.
    """
    (
        numbers, nested, status, started, seconds, epoch, epochs, metrics, best, facts, higher,
        tags, *texts,
    ) = row  # fmt: skip
    choices, follows, *groups = numbers
    right = (
        status in STATUSES
        and type(nested) is bool
        and (started is None or datetime.fromisoformat(started).tzinfo is not None)
        and {*map(type, numbers)} == {int}
        and follows in lists and mappings.issuperset((choices, *groups))
        and {type(seconds), type(epoch), type(epochs)} <= {int, float, type(None)}
        and type(metrics) is type(best) is type(facts) is type(higher) is dict
        and {*map(type, metrics.values()), *map(type, best.values())} <= {int, float}
        and {*map(type, facts.values())} <= {int, str}
        and {*map(type, higher.values())} <= {bool, type(None)}
        and {*map(type, tags)} <= {str}
        and [*map(type, texts)] == [str, str]
    )  # fmt: skip
    if not right:
        raise ValueError(status)
