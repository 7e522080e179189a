"""How every column of a table was read: its kind, its missing values, its names, or why not."""

from collections.abc import Sequence
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
    used = [one.name for one in preprocessing.features]
    found = [_report(table, name, "feature") for name in used]
    targets = [] if preprocessing.task == RECONSTRUCTION else preprocessing.target
    for name in targets:
        one = _report(table, name, "target")
        if preprocessing.classes:
            one = ColumnReport(
                name, one.role, "classes", one.missing, names=len(preprocessing.classes)
            )
        found.append(one)
    left_out = [ColumnReport(name, "left out", why) for name, why in table.left_out.items()]
    return found + left_out


def streamed_reports(seen: "ColumnsSeen", preprocessing: Preprocessing) -> list[ColumnReport]:
    """The same of rows that are streamed.

    Args:
        seen: what they hold.
        preprocessing: fitted on them.
    """
    dates, kinds = preprocessing.types.text.dates, preprocessing.types.kinds
    features = [one.name for one in preprocessing.features]
    targets = [] if preprocessing.task == RECONSTRUCTION else preprocessing.target
    found = []
    for name, role in [
        *((one, "feature") for one in features),
        *((one, "target") for one in targets),
    ]:
        kind = "dates" if name in dates else KINDS.get(kinds[name], "names")
        names = seen.names.get(name)
        if role == "target" and preprocessing.classes:
            kind, names = "classes", len(preprocessing.classes)
        found.append(ColumnReport(name, role, kind, seen.missing.get(name, 0), names))
    return found + [ColumnReport(name, "left out", why) for name, why in seen.left_out.items()]


def _report(table: Table, name: str, role: str) -> ColumnReport:
    column = table.columns[name]
    if column.kind == "category":
        names = column.names()
        return ColumnReport(name, role, "names", int(names.missing.sum()), len(names.held()))
    is_date = table.text is not None and name in table.text.dates
    kind = "dates" if is_date else KINDS[column.kind]
    return ColumnReport(name, role, _with_shape(kind, column), _missing(column))


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
