"""Runs as the rows of a table."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, overload

from seedbed.catalog.differing import differing_keys
from seedbed.catalog.finding import find_runs
from seedbed.catalog.record import NO_ROW, RunRecord
from seedbed.catalog.values import value_of


class RecordTable(Sequence[RunRecord]):
    """Records in an order, with what is common to them; it never changes.

    Args:
        records: of runs that can be read, in the order of the rows.
        left_out: of folders that are no readable runs.
    """

    def __init__(self, records: Iterable[RunRecord], left_out: Iterable[RunRecord] = ()) -> None:
        self.records = list(records)
        self.left_out = list(left_out)

    def differing_keys(self) -> list[str]:
        """The settings that tell the runs apart, swept ones first; see `differing.py`."""
        return list(self._differing)

    @cached_property
    def metrics(self) -> list[str]:
        """Names of the metrics that a run has: of validation, then training, then test rows."""
        names = dict.fromkeys(name for run in self.records for name in run.metrics)
        return sorted(names, key=_split_rank)

    def column(self, key: str) -> list[Any]:
        """The values of all runs under a name, as `value_of` has them."""
        return [value_of(run, key) for run in self.records]

    @cached_property
    def _differing(self) -> list[str]:
        return differing_keys(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[RunRecord]:
        return iter(self.records)

    @overload
    def __getitem__(self, at: int) -> RunRecord: ...
    @overload
    def __getitem__(self, at: slice) -> "RecordTable": ...
    def __getitem__(self, at: int | slice) -> "RunRecord | RecordTable":
        if isinstance(at, slice):
            return RecordTable(self.records[at], self.left_out)
        return self.records[at]


def table_of(folders: Iterable[str | Path]) -> RecordTable:
    """The runs below the folders, the newest first.

    Raises:
        RunDirectoryError: if one of them is no folder.
    """
    found = find_runs(folders)
    rows = [run for run in found if run.status not in NO_ROW]
    return RecordTable(rows, [run for run in found if run.status in NO_ROW])


def _split_rank(metric: str) -> int:
    """`val/loss` first; metrics of a split keep their order."""
    splits = ("val", "train", "test")
    split = metric.partition("/")[0]
    return splits.index(split) if split in splits else len(splits)
