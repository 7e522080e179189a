"""Runs as the rows of a table."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, overload

from seedbed.catalog.differing import differing_keys
from seedbed.catalog.filtering import filtered
from seedbed.catalog.finding import OUTPUTS as OUTPUTS
from seedbed.catalog.finding import Watch, search
from seedbed.catalog.record import NO_ROW, RunRecord
from seedbed.catalog.sorting import in_order
from seedbed.catalog.values import BEST, column_of, value_of
from seedbed.config.hints import counted


class RecordTable(Sequence[RunRecord]):
    """Records in an order, with what is common to them; it never changes.

    Args:
        records: of runs that can be read, in the order of the rows.
        left_out: of folders that are no readable runs.
        notes: what a person should know of how they were found.
    """

    def __init__(
        self,
        records: Iterable[RunRecord],
        left_out: Iterable[RunRecord] = (),
        notes: Iterable[str] = (),
    ) -> None:
        self.records = list(records)
        self.left_out = list(left_out)
        self.notes = list(notes)

    def differing_keys(self) -> list[str]:
        """The settings that tell the runs apart, swept ones first; see `differing.py`."""
        return list(self._differing)

    @cached_property
    def metrics(self) -> list[str]:
        """Names of the metrics that a run has: of validation, then training, then test rows."""
        names = dict.fromkeys(name for run in self.records for name in run.metrics)
        return sorted(names, key=_split_rank)

    @cached_property
    def columns(self) -> list[str]:
        """The columns that a table shows: what tells the runs apart, and how they did.

        The value of the best epoch is a column of its own where it is not that of the end.
        """
        best = dict.fromkeys(name for run in self.records for name in run.best if name != "epoch")
        others = [name for name in best if any(_best_is_another(run, name) for run in self.records)]
        tags = ["tags"] if any(run.tags for run in self.records) else []
        notes = ["note"] if any(run.note for run in self.records) else []
        metrics = [*self.metrics]
        for name in others:
            at = metrics.index(name) + 1 if name in metrics else 0
            metrics.insert(at, f"{BEST}{name}")
        head = ["name", "when", "status"]
        return [*head, *map(column_of, self._differing), *metrics, "seconds", *tags, *notes]

    def filtered(self, text: str) -> "RecordTable":
        """The runs that fulfil a filter; see `filtering.py`.

        Raises:
            ArgumentError: showing the place that cannot be read.
        """
        result = filtered(self.records, text)
        notes = [f"{counted(n, 'run')} without {key} left out" for key, n in result.without.items()]
        hints = [result.hint] if result.hint else []
        return RecordTable(result.kept, self.left_out, [*self.notes, *notes, *hints])

    def in_order(self, keys: str) -> "RecordTable":
        """The runs by names, such as `val/loss` or `-val/accuracy,seed`; see `sorting.py`.

        Raises:
            ArgumentError: for a name that no run has.
        """
        result, without = in_order(self.records, keys)
        notes = [f"{counted(n, 'run')} without {key} at the end" for key, n in without.items()]
        return RecordTable(result, self.left_out, [*self.notes, *notes])

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
            return RecordTable(self.records[at], self.left_out, self.notes)
        return self.records[at]


def table_of(folders: Iterable[str | Path], watch: Watch | None = None) -> RecordTable:
    """The runs below the folders, the newest first.

    Args:
        folders: to look in.
        watch: hears how far it is.

    Raises:
        RunDirectoryError: if one of them is no folder.
    """
    result = search(folders, watch)
    rows = [run for run in result.records if run.status not in NO_ROW]
    left_out = [run for run in result.records if run.status in NO_ROW]
    return RecordTable(rows, left_out, result.notes)


def _best_is_another(run: RunRecord, name: str) -> bool:
    return name in run.best and run.metrics.get(name) != run.best[name]


def _split_rank(metric: str) -> int:
    """`val/loss` first; metrics of a split keep their order."""
    splits = ("val", "train", "test")
    split = metric.partition("/")[0]
    return splits.index(split) if split in splits else len(splits)
