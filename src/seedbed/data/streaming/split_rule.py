"""Which split each row of a stream is in: the same as in memory, told from its number alone.

In memory the rows are ordered by numbers that `seeds.scattered` gives each; the first are tested,
the next validated. So the largest number of each split, of every class, tells the split of a row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seedbed.config.schema import Split
from seedbed.data.folds import rows_for
from seedbed.data.seeds import scattered, stream_seed
from seedbed.data.splits import refuse_empty, split_seed

TRAIN, VALIDATION, TEST = 0, 1, 2
SPLITS = ("train", "validation", "test")
"""By their numbers."""

AT_ONCE = 2**20
"""Rows whose numbers are made at once."""

CELLS = 2**22
"""Of the counts by which a bound is found, over all classes."""

Bounds = NDArray[np.uint64]
Codes = NDArray[np.unsignedinteger]


@dataclass(frozen=True)
class SplitRule:
    """The split of each row.

    Args:
        key: of the order of all rows.
        tested: the number below which the rows of each class are tested.
        held_out: the number below which they are tested or validated.
        codes: the class of every row; None where the split goes by none.
        counts: rows of each split.
    """

    key: int
    tested: Bounds
    held_out: Bounds
    codes: Codes | None
    counts: Sequence[int]

    def of(self, start: int, stop: int) -> NDArray[np.int8]:
        """The splits of rows from `start` to before `stop`.

        Shape:
            (stop - start,)
        """
        if not self.held_out.any():
            return np.zeros(stop - start, dtype=np.int8)
        numbers = scattered(self.key, start, stop)
        which: Codes | int = 0 if self.codes is None else self.codes[start:stop]
        splits = (numbers < self.held_out[which]).view(np.int8)
        splits += numbers < self.tested[which]  # below both bounds: TEST
        return splits


def split_rule(
    split: Split, seed: int, rows: int, codes: Codes | None = None, classes: int = 1
) -> SplitRule:
    """The rule that gives each row the split which `split_rows` gives it.

    Args:
        split: the fraction of each.
        seed: the run's; `split.seed` goes before it.
        rows: how many there are.
        codes: the class of each row, where the split goes by it.
        classes: how many there are.

    Raises:
        DataError: if a split that was asked for would be empty.
    """
    key = stream_seed(split_seed(split, seed), "split")
    of_class = np.array([rows]) if codes is None else np.bincount(codes, minlength=classes)
    tested = np.array([rows_for(int(one), split.test) for one in of_class])
    validated = np.array([rows_for(int(one), split.validation) for one in of_class])
    counts = [int(rows - (tested + validated).sum()), int(validated.sum()), int(tested.sum())]
    refuse_empty(split, rows, dict(zip(SPLITS, counts, strict=True)))
    held_out = tested + validated
    upto = _upto(key, rows, codes, len(of_class)) if held_out.any() else np.zeros((1, 1), np.int64)
    first, second = (_bounds(key, rows, codes, upto, wanted) for wanted in (tested, held_out))
    return SplitRule(key, first, second, codes, counts)


def _upto(key: int, rows: int, codes: Codes | None, classes: int) -> NDArray[np.int64]:
    """How many rows of each class have numbers in an interval, told by their first bits, or before.

    Shape:
        (classes, intervals)
    """
    bits = max(1, min(16, int(np.log2(CELLS // classes))))
    shift, cells = np.uint64(64 - bits), 1 << bits
    counts = np.zeros(classes * cells, dtype=np.int64)
    for which, numbers in _numbered(key, rows, codes):
        place = which * cells + (numbers >> shift).astype(np.int64)
        counts += np.bincount(place, minlength=len(counts))
    return counts.reshape(-1, cells).cumsum(axis=1)


def _bounds(
    key: int,
    rows: int,
    codes: Codes | None,
    upto: NDArray[np.int64],
    wanted: NDArray[np.int64],
) -> Bounds:
    """The number below which so many rows of each class lie.

    Counts tell in which interval it is; the numbers in there are sorted.

    Shape:
        wanted (classes,) -> (classes,)
    """
    if not wanted.any():
        return np.zeros(len(wanted), dtype=np.uint64)
    shift = np.uint64(64 - (upto.shape[1].bit_length() - 1))
    interval = (upto < wanted[:, None]).sum(axis=1)  # where the last that is wanted lies
    before = np.array([upto[one, at - 1] if at else 0 for one, at in enumerate(interval)])
    near: list[list[NDArray[np.uint64]]] = [[] for _ in wanted]
    for which, numbers in _numbered(key, rows, codes):
        inside = (numbers >> shift).astype(np.int64) == interval[which]
        for one in np.unique(np.broadcast_to(which, numbers.shape)[inside]):
            near[one].append(numbers[inside & (which == one)])
    bounds = np.zeros(len(wanted), dtype=np.uint64)
    for one, count in enumerate(wanted - before):
        if wanted[one]:
            last = np.sort(np.concatenate(near[one]))[count - 1]
            bounds[one] = last + np.uint64(1)
    return bounds


def _numbered(
    key: int, rows: int, codes: Codes | None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint64]]]:
    """The class and the number of every row, many at a time."""
    for start in range(0, rows, AT_ONCE):
        stop = min(rows, start + AT_ONCE)
        which = np.zeros(1, np.int64) if codes is None else codes[start:stop].astype(np.int64)
        yield which, scattered(key, start, stop)
