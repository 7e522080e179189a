"""The axes of the page's parallel coordinates: where each run stands on each of them."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from seedbed.analysis.sentences import value_text
from seedbed.catalog.table import RecordTable
from seedbed.catalog.values import column_of, identity, value_of
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

LARGEST = 1e100
"""Of what is drawn; what is larger has no place."""

ABSENT = "-"
"""On an axis of names: of a run that has no such key."""


@dataclass(frozen=True)
class Axis:
    """An upright of the picture.

    Args:
        name: of the column.
        label: above it.
        places: of each run; None where it has none.
        ticks: places and texts, which may be empty; none for numbers that are told as they are.
        names: whether the places are those of names, at equal distances.
        logarithmic: whether the places are logarithms to base ten.
    """

    name: str
    label: str
    places: Sequence[float | None]
    ticks: Sequence[tuple[float, str]]
    names: bool
    logarithmic: bool

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
    made = [metric_axis(name, [value_of(run, name) for run in table]) for name in metrics]
    return [*axes, *(one for one in made if any(at is not None for at in one.places))], keys[room:]


def key_axis(name: str, label: str, values: Sequence[Any]) -> Axis:
    """Of a setting: numbers, logarithmic where they span a decade, or names at equal distances."""
    every = in_order(list({identity(one): one for one in values}.values()))
    if are_numbers(every) and all(abs(one) < LARGEST for one in every):
        return _number_axis(name, label, values, len(every) <= MOST_TICKS)
    at = {identity(one): float(place) for place, one in enumerate(every)}
    step = max(1, math.ceil(len(every) / MOST_TICKS))
    ticks = [(float(n), _text(one) if n % step == 0 else "") for n, one in enumerate(every)]
    return Axis(printable(name), printable(label), [at[identity(one)] for one in values], ticks,
                names=True, logarithmic=False)  # fmt: skip


def metric_axis(name: str, values: Sequence[Any]) -> Axis:
    """Of a metric: a run without a finite value has no place."""
    return _number_axis(name, name, values, False)


def _number_axis(name: str, label: str, values: Sequence[Any], each: bool) -> Axis:
    """Of numbers; with a tick at each of them, or such as are round."""
    finite = sorted({float(one) for one in values if _is_drawable(one)})
    wide = is_wide(finite)
    if each:
        ticks = [(_place(one, wide=wide), _text(one)) for one in finite]
    else:
        ticks = _decades(finite) if wide else []
    places = [_place(one, wide=wide) if _is_drawable(one) else None for one in values]
    return Axis(printable(name), printable(label), places, ticks, names=False, logarithmic=wide)


def _is_drawable(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) < LARGEST  # so is neither NaN nor infinite
    )


def _place(value: float, *, wide: bool) -> float:
    return math.log10(value) if wide else float(value)


def _decades(values: Sequence[float]) -> list[tuple[float, str]]:
    """Powers of ten between the least and the greatest, and with few of them 2 and 5 times each.

    Between them are ticks without a text, as what is brushed goes from tick to tick.
    """
    low, high = math.log10(values[0]), math.log10(values[-1])
    steps = (1, 2, 5) if high - low < 3 else (1,)
    every = range(math.floor(low), math.ceil(high) + 1)
    ticks = [(n + math.log10(step), f"{step * 10.0**n:.5g}") for n in every for step in steps]
    inside = [tick for tick in ticks if low <= tick[0] <= high]
    shown = inside[:: max(1, math.ceil(len(inside) / MOST_TICKS))]
    between = [(low + (high - low) * n / SILENT_TICKS, "") for n in range(SILENT_TICKS + 1)]
    return sorted([*shown, *between])


def _text(value: Any) -> str:
    return ABSENT if value is None else printable(value_text(value))
