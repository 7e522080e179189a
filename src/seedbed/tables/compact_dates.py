"""Integers that are dates without marks, such as 20240131: read as numbers, with a note."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

YEARS = (1900, 2100)
FEW = 3
"""Fewer different numbers say nothing."""

WIDTHS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}
"""Digits of each part of a date."""

FORMS = ("%Y%m%d", "%d%m%Y", "%m%d%Y", "%Y%m", "%Y%m%d%H%M", "%Y%m%d%H%M%S")
MOST = 2100_12_31_23_59_59


def compact_form(values: NDArray[np.float64]) -> str | None:
    """The form in which all numbers are dates of this or the last century, or None.

    Args:
        values: of a column; missing ones are NaN.
    """
    if values.ndim > 1 or not _may_be(values[:1]):
        return None
    there = np.unique(values[~np.isnan(values)])
    return next(iter(forms_of(there)), None) if len(there) >= FEW else None


def forms_of(different: NDArray[np.float64], forms: Sequence[str] = FORMS) -> list[str]:
    """Those of the forms in which all numbers are dates of this or the last century.

    Args:
        different: numbers, none of them missing.
        forms: that are asked for.
    """
    if not _may_be(different):
        return []
    whole = different.astype(np.int64)
    return [form for form in forms if _are_dates(whole, form)]


def _may_be(values: NDArray[np.float64]) -> bool:
    """Whether the numbers are whole, and of the size of a date; missing ones are."""
    there = values[~np.isnan(values)]
    sized = (there >= YEARS[0] * 100) & (there <= MOST)
    return bool(sized.all() and (there % 1 == 0).all())


def _are_dates(numbers: NDArray[np.int64], form: str) -> bool:
    parts = _parts(numbers, form)
    day, month, year = (parts.get(part) for part in "dmY")
    assert month is not None
    assert year is not None
    if ((year < YEARS[0]) | (year > YEARS[1]) | (month < 1) | (month > 12)).any():
        return False
    limits = {"H": 23, "M": 59, "S": 59}
    if any((parts[part] > most).any() for part, most in limits.items() if part in parts):
        return False
    if day is None:
        return True
    first = (year * 12 + month - 1 - 1970 * 12).astype("datetime64[M]")
    length = (first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")
    return bool(((day >= 1) & (day <= length.astype(np.int64))).all())


def _parts(numbers: NDArray[np.int64], form: str) -> Mapping[str, NDArray[np.int64]]:
    """The parts of a date by their letters; what is left over is with the first."""
    parts, rest = {}, numbers
    letters = form.replace("%", "")
    for letter in reversed(letters[1:]):
        rest, parts[letter] = np.divmod(rest, 10 ** WIDTHS[letter])
    return {**parts, letters[0]: rest}
