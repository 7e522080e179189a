"""Parts by time: what validates is later than what trains, and what tests is later still.

Rows of one moment are never cut apart: a border moves to the nearest change of moment, of two
equally near to the earlier one.
"""

import numpy as np
from numpy.typing import NDArray

from seedbed.config.hints import counted
from seedbed.config.schema import Split
from seedbed.data.folds import rows_for
from seedbed.errors import DataError

Rows = NDArray[np.int64]
Times = NDArray[np.float64]


def split_by_time(split: Split, folds: int | None, fold: int, times: Times) -> dict[str, Rows]:
    """The row numbers of the parts train, validation and test, ascending.

    Args:
        split: the fractions.
        folds: of forward chaining: blocks of equally many rows, of which the first `fold` + 1 train
            and the next one validates; None for the fractions alone.
        fold: which of them.
        times: of each row, finite.

    Raises:
        DataError: if there are fewer moments than the blocks take.
    """
    order = np.argsort(times, kind="stable")
    changes = _changes(times[order])
    rows = len(times)
    tested = _nearest(changes, rows - rows_for(rows, split.test))
    if folds is None:
        trained = _nearest(changes, tested - rows_for(rows, split.validation))
        validated = tested
    else:
        trained, validated = _blocks(changes, tested, folds, split)[fold : fold + 2]
    parts = {
        "train": order[:trained],
        "validation": order[trained:validated],
        "test": order[tested:],
    }
    return {name: np.sort(part) for name, part in parts.items()}


def _blocks(changes: Rows, rows: int, folds: int, split: Split) -> list[int]:
    """Where the blocks end; the first has the rows that are left over."""
    size = rows // (folds + 1)
    ends = [_nearest(changes, rows - size * left) for left in range(folds, -1, -1)]
    if size == 0 or len(set(ends)) <= folds or ends[0] == 0:
        different = int(np.count_nonzero((changes > 0) & (changes <= rows)))
        raise DataError(
            f"data.folds={folds} take {folds + 1} blocks one after the other, and "
            f"{counted(different, 'different value')} of '{split.time}' do not fill them; type "
            "fewer folds"
        )
    return ends


def _changes(ordered: Times) -> Rows:
    """The places between rows of different moments, both ends included."""
    between = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return np.concatenate([[0], between, [len(ordered)]])


def _nearest(changes: Rows, place: int) -> int:
    return int(changes[np.argmin(np.abs(changes - place))])
