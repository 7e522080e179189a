"""Which spellings of a name mean the same: 1 and 1.0, true and True, one moment.

Tools write one value in several ways: an integer column with a gap becomes 1.0, 2.0 in pandas; a
boolean is True in Python and true in JSON. A name that training did not have is looked up by
its meaning, so that it is found however its file was made; a name that training had stays itself.
"""

import re
from collections.abc import Hashable, Sequence
from decimal import Decimal, InvalidOperation

import numpy as np
from numpy.typing import NDArray

from seedbed.tables.row_names import RowNames

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.0|\.\d*[1-9])?([eE][+-]?\d{1,3})?")
_INSTANT = re.compile(
    r"(?:(\d{4}-\d\d-\d\d)(?:[ T](?=\d)|$))?(?:(\d\d:\d\d:\d\d)(?:\.(\d+?)0*)?)?(Z|[+-]\d\d:?\d\d)?"
)
MOST_CHARACTERS = 64
"""No number or moment is written longer by a tool."""


def number_name(value: float) -> str:
    """A number as a name: whole ones without a fraction, others with the fewest digits."""
    return repr(value).removesuffix(".0")


def instant_name(text: str) -> str:
    """A moment as a name, without what is zero behind its seconds."""
    return re.sub(r"(\.\d*?)0+(?=$|Z|[+-])", lambda match: match[1].rstrip("."), text)


def meaning(name: str) -> Hashable | None:
    """What a name means, equal for all spellings that tools give it; None for a plain word.

    Codes such as 007 or 1.50, which no tool writes for a number, are words.
    """
    if len(name) > MOST_CHARACTERS:
        return None
    if name.lower() in ("true", "false"):
        return name.lower() == "true"
    if _NUMBER.fullmatch(name):
        return "number", Decimal(name)
    match = _INSTANT.fullmatch(name)
    if match and (match[1] or match[2]):
        day, time, fraction, zone = match.groups()
        return "moment", day, time or "00:00:00", (fraction or "").rstrip("0"), zone
    return None


class KnownNames:
    """The names of training, and the index of each.

    Args:
        names: in order; None stands for missing.
    """

    def __init__(self, names: Sequence[str | None]) -> None:
        self._indices = {name: index for index, name in enumerate(names)}
        self._by_meaning: dict[Hashable, list[int]] = {}
        for index, name in enumerate(names):
            if name is not None and (key := meaning(name)) is not None:
                self._by_meaning.setdefault(key, []).append(index)

    def indices(self, names: RowNames) -> NDArray[np.int64]:
        """The index of each row's name; -1 for one that training did not have."""
        found: NDArray[np.int64] = self.of_each(names.different)[names.indices + 1]
        return found

    def of_each(self, different: Sequence[str]) -> NDArray[np.int64]:
        """The index of no name, and of each of these; -1 for one that training did not have."""
        return np.array([self.index(name) for name in (None, *different)], dtype=np.int64)

    def index(self, name: str | None) -> int:
        """The index of a name, or of the only one of training that means the same."""
        if name in self._indices:
            return self._indices[name]
        key = None if name is None else meaning(name)
        indices = [] if key is None else self._by_meaning.get(key, [])
        return indices[0] if len(indices) == 1 else -1


def unified(names: RowNames) -> RowNames:
    """The names of a column of numbers or booleans, each value by its first spelling.

    Args:
        names: as written; the different ones in the order in which they come first.
    """
    first: dict[Hashable, str] = {}
    return names.renamed([first.setdefault(_value(name), name) for name in names.different])


def _value(name: str) -> Hashable:
    try:
        return Decimal(name)
    except InvalidOperation:
        return name.strip().lower()
