"""A date as a number: days since 1970-01-01, with the time of day as a fraction."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from seedbed.data.text_form import ISO

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

TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


def day_number(text: str, form: str) -> float | None:
    """The day number of a date, or None if it is none of that form.

    Args:
        text: without spaces around it.
        form: `ISO`, or as `datetime.strptime` has it.
    """
    try:
        moment = _iso(text) if form == ISO else datetime.strptime(text, form)
    except (ValueError, re.error):  # re.error: a form that names a part of the date twice
        return None
    if moment is None:
        return None
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (utc - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() / DAY


def day_numbers(texts: Sequence[str | None], form: str) -> NDArray[np.float64]:
    """Of several dates; NaN for what is none."""
    found = [None if text is None else day_number(text, form) for text in texts]
    return np.array([np.nan if one is None else one for one in found], dtype=np.float64)


def forms_of(texts: Sequence[str], *, times: bool) -> list[str]:
    """The forms in which every text is a date; several where day and month may be exchanged.

    Args:
        texts: without spaces around them.
        times: whether a time of day alone counts.
    """
    first = next(iter(texts), "")
    if not any(mark.isdigit() for mark in first) or len(first) > 40:
        return []
    tails = TIMES if ":" in first else TIMES[:1]
    candidates = [form + tail for form in FORMS for tail in tails]
    candidates += [tail.strip() for tail in tails if tail and times]
    return [
        form
        for form in candidates
        if all(_written_so(text, form) for text in texts[:1])
        and all(_written_so(text, form) for text in texts)
    ]


def _written_so(text: str, form: str) -> bool:
    """As `day_number`, but for digits without anything between them, which any number may be."""
    return day_number(text, form) is not None and (form != "%Y%m%d" or len(text) == 8)


def _iso(text: str) -> datetime | None:
    if found := _MONTH.fullmatch(text):
        return datetime(int(found[1]), int(found[2]), 1)
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    year, _, month, day, time, zone = found.groups()
    told = f"{year}-{month}-{day}" + (f"T{time}" if time else "") + (zone or "")
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", told))
