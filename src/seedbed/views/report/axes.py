"""The axes of the page's parallel coordinates: where each run stands on each of them."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from seedbed.analysis.sentences import value_text
from seedbed.catalog.table import RecordTable
from seedbed.catalog.values import column_of, identity, value_of
from seedbed.recording.figure import LARGEST
from seedbed.runs.files import printable
from seedbed.views.drawing import is_wide
from seedbed.views.metric_curves import short_names
from seedbed.views.slices import are_numbers, in_order

MOST_AXES = 12
"""That a page is wide enough for."""

MOST_TICKS = 12
"""With a text."""

SILENT_TICKS = 100
"""Of a logarithmic axis, without a text."""

ABSENT = "-"
"""On an axis of names: of a run that has no such key."""

NONE = "none"
"""On an axis of a metric: of a run that has no finite value."""

ROOM = 0.08
"""Of the height of the axis, between `none` and the others."""

BULK, FAR = 0.05, 10
"""Where the axis of a metric is cut: all values span so many times what all but the 5 % at either
end do."""


@dataclass(frozen=True)
class Axis:
    """An upright of the picture.

    Args:
        name: of the column.
        label: above it.
        places: of each run.
        ticks: places and texts, which may be empty; none for numbers that are told as they are.
        names: whether the places are those of names, at equal distances.
        logarithmic: whether the places are logarithms to base ten.
        without: runs that have no finite value, and stand at the tick `none`, below all others.
        beyond: runs whose values lie so far from the others that they stand at an end.
    """

    name: str
    label: str
    places: Sequence[float]
    ticks: Sequence[tuple[float, str]]
    names: bool = False
    logarithmic: bool = False
    without: int = 0
    beyond: int = 0

    def to_json(self) -> dict[str, Any]:
        """In plain containers."""
        return asdict(self)


def page_axes(table: RecordTable, metrics: Sequence[str]) -> tuple[list[Axis], list[str]]:
    """The axes, and names of keys for which there is no room.

    Args:
        table: the runs, in their order.
        metrics: that come last.
    """
    keys = table.differing_keys()
    room = MOST_AXES - len(metrics)
    short = short_names(keys[:room])
    axes = [key_axis(column_of(key), short[key], table.column(key)) for key in keys[:room]]
    columns = {name: [value_of(run, name) for run in table] for name in metrics}
    measured = [
        metric_axis(name, values)
        for name, values in columns.items()
        if any(map(_is_drawable, values))
    ]
    return [*axes, *measured], keys[room:]


def key_axis(name: str, label: str, values: Sequence[Any]) -> Axis:
    """Of a setting: numbers, logarithmic where they span a decade, or names at equal distances."""
    every = in_order(list({identity(one): one for one in values}.values()))
    if are_numbers(every) and all(abs(one) < LARGEST for one in every):
        return _numbers_axis(name, label, values, every)
    at = {identity(one): float(place) for place, one in enumerate(every)}
    step = max(1, math.ceil(len(every) / MOST_TICKS))
    ticks = [(float(n), _text(one) if n % step == 0 else "") for n, one in enumerate(every)]
    places = [at[identity(one)] for one in values]
    return Axis(printable(name), printable(label), places, ticks, names=True)


def _numbers_axis(name: str, label: str, values: Sequence[Any], every: Sequence[Any]) -> Axis:
    """With a tick at each number, or where they are many at such as are round."""
    wide = is_wide(every)
    places = [_place(one, wide=wide) for one in values]
    if len(every) <= MOST_TICKS:
        ticks = [(_place(one, wide=wide), _text(one)) for one in every]
    else:
        ticks = _ticks(min(places), max(places), wide=wide)
    return Axis(printable(name), printable(label), places, ticks, logarithmic=wide)


def metric_axis(name: str, values: Sequence[Any]) -> Axis:
    """Of a metric: a run without a finite value stands below the others.

    Where a few lie very far from the others, the axis ends before them: they would leave no room.

    Args:
        name: of it.
        values: of the runs; one of them at least is finite.
    """
    finite = [float(one) for one in values if _is_drawable(one)]
    wide = is_wide(finite)
    low, high = _ends([_place(one, wide=wide) for one in finite], wide=wide)
    none = low - ROOM * (high - low or 1.0)
    drawn = [_place(one, wide=wide) if _is_drawable(one) else None for one in values]
    ticks = _ticks(low, high, wide=wide)
    without = len(values) - len(finite)
    return Axis(
        printable(name),
        printable(name),
        [none if one is None else min(max(one, low), high) for one in drawn],
        [(none, NONE), *ticks] if without else ticks,
        logarithmic=wide,
        without=without,
        beyond=sum(one is not None and not low <= one <= high for one in drawn),
    )


def _ends(places: Sequence[float], *, wide: bool) -> tuple[float, float]:
    """The least and the greatest place; of outliers on a linear axis that of the bulk."""
    ordered = sorted(places)
    low, high = ordered[0], ordered[-1]
    first, last = (ordered[round(part * (len(ordered) - 1))] for part in (BULK, 1 - BULK))
    spread = last - first
    if wide or spread <= 0 or high - low <= FAR * spread:
        return low, high
    return max(low, first - spread), min(high, last + spread)


def _is_drawable(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) < LARGEST  # so is neither NaN nor infinite
    )


def _place(value: float, *, wide: bool) -> float:
    return math.log10(value) if wide else float(value)


def _ticks(low: float, high: float, *, wide: bool) -> list[tuple[float, str]]:
    """Round numbers between two places, and many ticks without a text.

    What is brushed goes from tick to tick; of two at one place the picture shows one.
    """
    shown = _decades(low, high) if wide else _round_numbers(low, high)
    step = (high - low) / SILENT_TICKS
    between = [low + step * n for n in range(SILENT_TICKS + 1)]
    silent = [(at, "") for at in between if all(abs(at - place) > step / 2 for place, _ in shown)]
    return sorted([*shown, *silent])


def _decades(low: float, high: float) -> list[tuple[float, str]]:
    """Powers of ten, and where these are few 2 and 5 times each."""
    steps = (1, 2, 5) if high - low < 3 else (1,)
    every = range(math.floor(low), math.ceil(high) + 1)
    ticks = [(n + math.log10(step), f"{step * 10.0**n:.5g}") for n in every for step in steps]
    inside = [tick for tick in ticks if low <= tick[0] <= high]
    return inside[:: max(1, math.ceil(len(inside) / MOST_TICKS))]


def _round_numbers(low: float, high: float) -> list[tuple[float, str]]:
    """About five multiples of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [(low, f"{low:.5g}")]
    power = 10.0 ** math.floor(math.log10((high - low) / 5))
    step = next(power * times for times in (1, 2, 5, 10) if (high - low) / (power * times) <= 6)
    first = math.ceil(low / step)
    numbers = [step * n for n in range(first, first + 8) if step * n <= high]
    return [(one, f"{one:.5g}") for one in numbers]


def _text(value: Any) -> str:
    return ABSENT if value is None else printable(value_text(value))
