"""The row groups of several Parquet files, in their order."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

WORTH_ASKING = 2**14
"""Rows that are decoded at once, from which on a column is asked for by itself: 0.1 ms each."""


class Group(NamedTuple):
    """A row group of one of the files.

    Args:
        part: number of the file.
        number: of the group within it.
        start: its first row among those of all files.
        rows: of it.
    """

    part: int
    number: int
    start: int
    rows: int


def row_groups(group_rows: Sequence[Sequence[int]]) -> Iterator[Group]:
    """Those that hold rows.

    Args:
        group_rows: of each file, the rows of each of its groups.
    """
    starts = accumulate((rows for file in group_rows for rows in file), initial=0)
    for part, file in enumerate(group_rows):
        for index, rows in enumerate(file):
            start = next(starts)
            if rows:
                yield Group(part, index, start, rows)


def decoded_whole(groups: Sequence[Group], at_once: int) -> list[list[Group]]:
    """Row groups that follow each other, together as long as they are decoded at once.

    None if one of them is not, or if so few are that asking for each column takes longer.

    Args:
        groups: of one file.
        at_once: rows that are decoded at a time.
    """
    if at_once < WORTH_ASKING or any(group.rows > at_once for group in groups):
        return []
    pieces: list[list[Group]] = []
    for group in groups:
        if pieces and group.start + group.rows - pieces[-1][0].start <= at_once:
            pieces[-1].append(group)
        else:
            pieces.append([group])
    return pieces
