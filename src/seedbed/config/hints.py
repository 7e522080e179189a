"""Finds the name that was most likely meant."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

PLAIN = re.compile(r"(?!(?i:true|false|null|nan|inf)$)[A-Za-z_][A-Za-z0-9_.%+ -]*(?<! )")
"""A name that needs no quotes in an override."""

MOST_PROBLEMS = 20
"""Mistakes of one sweep that are listed; the rest are counted."""


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` most like `name`, or None if none is near.

    A dotted name is compared with those of its own group by the last part alone, as what they
    share would make all of them alike; then with the others whole; then, so that `lrr` finds
    `optimizer.lr`, with all by the last part.
    """
    candidates = [other for other in names if not name.startswith(f"{other}.")]
    group = name.rpartition(".")[0]
    siblings = [other for other in candidates if other.rpartition(".")[0] == group]
    strangers = [other for other in candidates if other.rpartition(".")[0] != group]
    whole = get_close_matches(name, strangers, n=1, cutoff=0.6)
    return (
        by_last_part(name, siblings)
        or (whole[0] if whole else None)
        or by_last_part(name, candidates)
    )


def by_last_part(name: str, candidates: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The one whose last part is most like that of `name`: `epoch` and `trainer.epochs`."""
    whole: dict[str, str] = {}
    for candidate in candidates:
        whole.setdefault(candidate.rpartition(".")[2], candidate)
    last = get_close_matches(name.rpartition(".")[2], whole, n=1, cutoff=cutoff)
    return whole[last[0]] if last else None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or nothing."""
    near = nearest(name, names)
    return f"; did you mean '{near}'?" if near else ""


def in_list(*names: str) -> str:
    """Names as the inside of a list in an override: in quotes where Hydra's grammar asks for it."""
    return ",".join(one if PLAIN.fullmatch(one) else quoted(one) for one in names)


def of_column(key: str, name: str, value: str) -> str:
    """An override that gives a column's value, or the YAML for a name that no override can hold."""
    if PLAIN.fullmatch(name):
        return f'{key}={{{name}: "{value}"}}'
    group, _, last = key.partition(".")
    return f'{group}: {{{last}: {{{quoted(name)}: "{value}"}}}}'


def quoted(name: str) -> str:
    """A name in double quotes, as Hydra's grammar and YAML have it."""
    return '"' + name.replace('"', '\\"') + '"'


def shortened(text: str, most: int = 60) -> str:
    """A text for an error, cut after `most` characters."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def joined(names: Iterable[str], limit: int = 12) -> str:
    """The names joined by commas, cut after `limit`."""
    listed = list(names)
    rest = len(listed) - limit
    return ", ".join(listed[:limit]) + (f" and {rest} more" if rest > 0 else "")


def counted(number: int, noun: str, more: str = "") -> str:
    """`1 run`, `2 runs`; `more` for what takes no s alone."""
    return f"{number} {noun if number == 1 else more or f'{noun}s'}"


def size_text(count: float) -> str:
    """Of bytes: `1.2 GB`, in powers of 1000."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if float(f"{count:.3g}") < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def cut(problems: list[str]) -> list[str]:
    """The first of many problems, and how many more there are."""
    more = len(problems) - MOST_PROBLEMS
    return [*problems[:MOST_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]


def written(value: Any) -> str:
    """`str(value)`, also of integers that Python refuses to write in decimal digits."""
    try:
        return str(value)
    except ValueError:
        return f"a number of {value.bit_length()} bits" if isinstance(value, int) else "a value"
