"""A run's history: one row an epoch, by the names of its columns."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from seedbed.api.frames import frame_of
from seedbed.config.hints import counted
from seedbed.errors import RunDirectoryError
from seedbed.runs.layout import RunPaths
from seedbed.runs.stored import is_stored

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

COUNTS = ("epoch", "step")
LARGEST_COUNT = 2**53
"""Up to here a float holds every integer; a stranger's history may say anything."""


class History(Mapping[str, "np.ndarray[Any, Any]"]):
    """The columns of `history.csv` as arrays of NumPy; empty cells are NaN.

    Args:
        columns: by name, as they are read.
    """

    def __init__(self, columns: Mapping[str, list[float | None]]) -> None:
        import numpy as np

        self._columns: dict[str, np.ndarray[Any, Any]] = {}
        for name, values in columns.items():
            array = np.array([np.nan if value is None else value for value in values])
            counts = name in COUNTS and bool((np.abs(array) < LARGEST_COUNT).all())
            self._columns[name] = array.astype(np.int64) if counts else array.astype(np.float64)

    def __getitem__(self, name: str) -> "np.ndarray[Any, Any]":
        if name not in self._columns:
            from seedbed.config.hints import did_you_mean, joined

            there = f"there are {joined(self._columns)}{did_you_mean(name, self._columns)}"
            raise KeyError(f"no column '{name}'; {there}")
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def to_pandas(self) -> "pd.DataFrame":
        """The same as a DataFrame.

        Raises:
            SeedbedError: if pandas is not installed.
        """
        return frame_of(self._columns)

    def __repr__(self) -> str:
        rows = len(next(iter(self._columns.values()), ()))
        return f"History of {counted(rows, 'epoch')}: {', '.join(self._columns)}"


def history_of_checkpoint(paths: RunPaths) -> History:
    """The epochs that the last checkpoint of a run tells of.

    Raises:
        RunDirectoryError: if there is none.
    """
    if not is_stored(paths.last):
        raise RunDirectoryError(
            f"'{paths.root}' has no history yet: no epoch of it was recorded; "
            f"seedbed.resume({str(paths.root)!r}) goes on, if nothing trains it now"
        )
    # Imported here: it brings torch, which the history of other runs does without.
    from seedbed.training.resume import load_snapshot

    snapshot = load_snapshot(paths)
    rows = snapshot["state"]["history"] if snapshot is not None else []
    return History({name: [row.get(name) for row in rows] for name in rows[0]} if rows else {})
