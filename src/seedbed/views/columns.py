"""How every column of a table was read: its kind, its missing values, its names, or why not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from seedbed.config.task_names import RECONSTRUCTION
from seedbed.data.preprocessing import Preprocessing
from seedbed.runs.files import printable
from seedbed.tables.table import Column, Table

if TYPE_CHECKING:
    from seedbed.data.prepared import ColumnsSeen

KINDS = {"number": "numbers", "boolean": "true or false", "image": "images"}

Looked = tuple[str, int, int | None]
"""What a column is read as, its rows without a value, and how many names it has."""

MOST = 40
"""Columns that are listed one by one."""


@dataclass(frozen=True)
class ColumnReport:
    """One column.

    Args:
        name: of it.
        role: feature, target or left out.
        kind: what its cells are read as; of a column that is left out, why.
        missing: rows without a value.
        names: how many different ones it has; None for a column of no names.
    """

    name: str
    role: str
    kind: str
    missing: int = 0
    names: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain containers."""
        return asdict(self)


def column_reports(table: Table, preprocessing: Preprocessing) -> list[ColumnReport]:
    """Of the features, the targets, and what was left out of the training file.

    Args:
        table: as `read_source` gave it.
        preprocessing: fitted on it.
    """
    return _reports(preprocessing, lambda name: _in_table(table, name), table.left_out)


def streamed_reports(seen: "ColumnsSeen", preprocessing: Preprocessing) -> list[ColumnReport]:
    """The same of rows that are streamed.

    Args:
        seen: what they hold.
        preprocessing: fitted on them.
    """
    dates, kinds = preprocessing.types.text.dates, preprocessing.types.kinds

    def look(name: str) -> Looked:
        kind = "dates" if name in dates else KINDS.get(kinds[name], "names")
        return kind, seen.missing.get(name, 0), seen.names.get(name)

    return _reports(preprocessing, look, seen.left_out)


def _reports(
    preprocessing: Preprocessing, look: Callable[[str], Looked], left_out: Mapping[str, str]
) -> list[ColumnReport]:
    features = [one.name for one in preprocessing.features]
    targets = [] if preprocessing.task == RECONSTRUCTION else preprocessing.target
    found = []
    for role, columns in (("feature", features), ("target", targets)):
        for column in columns:
            kind, missing, names = look(column)
            if role == "target" and preprocessing.classes:
                kind, names = "classes", len(preprocessing.classes)
            found.append(ColumnReport(column, role, kind, missing, names))
    return found + [ColumnReport(name, "left out", why) for name, why in left_out.items()]


def _in_table(table: Table, name: str) -> Looked:
    column = table.columns[name]
    if column.kind == "category":
        names = column.names()
        return "names", int(names.missing.sum()), len(names.held())
    is_date = table.text is not None and name in table.text.dates
    kind = "dates" if is_date else KINDS[column.kind]
    return _with_shape(kind, column), _missing(column), None


def _with_shape(kind: str, column: Column) -> str:
    shape = column.values.shape[1:] if column.pixels is None else column.pixels.shape
    return f"{kind}, {' x '.join(map(str, shape))} a row" if shape else kind


def _missing(column: Column) -> int:
    return int(np.isnan(column.values).reshape(len(column), -1).any(axis=1).sum())


def column_lines(reports: Sequence[ColumnReport]) -> list[str]:
    """The reports as a table on the terminal."""
    listed = reports[:MOST]
    width = max((len(_named(one)) for one in listed), default=0)
    lines = [f"  {_named(one):{width}}  {_told(one)}" for one in listed]
    rest = len(reports) - len(listed)
    return [*lines, *([f"  and {rest} more; --json lists all"] if rest else [])]


def _named(report: ColumnReport) -> str:
    return printable(report.name) or "(no name)"


def _told(report: ColumnReport) -> str:
    if report.role == "left out":
        return f"left out: {report.kind}"
    kind = report.kind if report.names is None else f"{report.names} {report.kind}"
    kind = "1 name" if kind == "1 names" else kind
    missing = f", {report.missing} missing" if report.missing else ""
    target = "target: " if report.role == "target" else ""
    return f"{target}{kind}{missing}"
