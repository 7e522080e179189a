"""A date as a number: days since 1970-01-01, with the time of day as a fraction."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import numpy as np
from numpy.typing import NDArray

from seedbed.tables.text_form import ISO

_ISO = re.compile(
    r"(\d{4})([-/.])(\d\d)\2(\d\d)"
    r"(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?(Z|[+-]\d\d(?::?\d\d)?)?)?"
)
_MONTH = re.compile(r"(1[89]\d\d|20\d\d)[-/](0[1-9]|1[0-2])")

DAY = 86400
"""Seconds."""

FORMS = (
    *("%Y_%m", "%Y_%m_%d", "%Y.%m", "%Y%m%d"),
    *(f"%d{mark}%m{mark}%{year}" for year in "Yy" for mark in "./-"),
    *(f"%m{mark}%d{mark}%{year}" for year in "Yy" for mark in "/-"),
    *("%m/%Y", "%m.%Y", "%m-%Y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y"),
    *("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%d %b %y", "%d. %B %Y"),
    *("%b %Y", "%B %Y", "%b-%y", "%b-%Y", "%b %y", "%Y %b", "%Y-%b"),
    *("%a %d %b %Y", "%a, %d %b %Y", "%A, %B %d, %Y", "%a %b %d %Y"),
)
"""How else people write a date."""

LONGEST = 40
"""Characters of a date."""

TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


def day_number(text: str, form: str) -> float | None:
    """The day number of a date, or None if it is none of that form.

    Args:
        text: without spaces around it.
        form: `ISO`, or as `datetime.strptime` has it.
    """
    try:
        moment = _iso(text) if form == ISO else datetime.strptime(_compact(text, form), form)
    except (ValueError, re.error):  # re.error: a form that names a part of the date twice
        return None
    if moment is None:
        return None
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (utc - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() / DAY


def day_numbers(texts: Sequence[str | None], form: str) -> NDArray[np.float64]:
    """Of several dates; NaN for what is none."""
    match = [None if text is None else day_number(text, form) for text in texts]
    return np.array([np.nan if one is None else one for one in match], dtype=np.float64)


def forms_of(texts: Sequence[str], *, times: bool) -> list[str]:
    """The forms in which every text is a date; several where day and month may be exchanged.

    Args:
        texts: without spaces around them.
        times: whether a time of day alone counts.
    """
    first = next(iter(texts), "")
    return [
        form
        for form in forms_of_one(first, times=times)
        if all(day_number(text, form) is not None for text in texts)
    ]


def forms_of_one(text: str, *, times: bool) -> list[str]:
    """The forms in which a text is a date, but for that of ISO 8601; arguments as `forms_of`."""
    if not any(mark.isdigit() for mark in text) or len(text) > LONGEST:
        return []
    tails = TIMES if ":" in text else TIMES[:1]
    candidates = [form + tail for form in FORMS for tail in tails]
    candidates += [tail.strip() for tail in tails if tail and times]
    has_letters = any(mark.isalpha() for mark in text)
    has_spaces = any(mark.isspace() for mark in text)
    likely = [
        form
        for form in candidates
        if _asked_of(form).has_names >= has_letters
        and _asked_of(form).has_spaces <= has_spaces
        and all(text.count(mark) >= number for mark, number in _asked_of(form).marks)
    ]
    return [form for form in likely if day_number(text, form) is not None]


@dataclass(frozen=True)
class _Asked:
    """What a text has if it is a date of a form, which is seen at once; `strptime` takes 20 µs.

    Args:
        marks: those between the parts, each with its number.
        has_spaces: whether some stand between them.
        has_names: whether a part is a name; a text without has no letters.
    """

    marks: tuple[tuple[str, int], ...]
    has_spaces: bool
    has_names: bool


@cache
def _asked_of(form: str) -> _Asked:
    between = re.sub(r"%.", "", form)
    marks = re.sub(r"\s", "", between)
    names = re.search(r"%[aAbBp]", form) is not None
    return _Asked(
        tuple((one, marks.count(one)) for one in sorted({*marks})), marks != between, names
    )


def _compact(text: str, form: str) -> str:
    """Digits that stand together as they are read: as many as the form has, no fewer.

    `strptime` takes 2024111 for a day of November; a zero that a number has lost in front is put
    back, and what a tool adds to an integer, .0, is left out.

    Raises:
        ValueError: if they are more or fewer.
    """
    digits = _digits_of(form)
    if not digits:
        return text
    bare = re.sub(r"\.0*$", "", text)
    match = re.match(r"\d*", bare)
    given = len(match[0]) if match else 0
    if given == digits - 1 and not form.startswith("%Y"):
        return f"0{bare}"
    if given != digits:
        raise ValueError(text)
    return bare


@cache
def _digits_of(form: str) -> int:
    """Of the parts that stand together at the beginning of a form; 0 if there is one only."""
    together = re.match(r"(?:%[YymdHIMSj]){2,}", form)
    widths = {"Y": 4, "j": 3}
    return sum(widths.get(part, 2) for part in together[0][1::2]) if together else 0


def _iso(text: str) -> datetime | None:
    if match := _MONTH.fullmatch(text):
        return datetime(int(match[1]), int(match[2]), 1)
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    year, _, month, day, time, zone = match.groups()
    moment = f"{year}-{month}-{day}" + (f"T{time}" if time else "") + (zone or "")
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", moment))
