"""Parallel coordinates: an axis for each swept key and the metric, a line for each setting."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seedbed.analysis.runs_compared import RunsCompared
from seedbed.analysis.sentences import value_text
from seedbed.catalog.values import identity
from seedbed.errors import ArgumentError
from seedbed.recording.figure import INCHES
from seedbed.views.drawing import is_wide, new_figure, text_of
from seedbed.views.slices import are_numbers, in_order

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_AXES = 10

MOST_TICKS = 8

BEHIND = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.8}
"""Of a text over lines."""

BEST_SHARE = 10
"""A tenth of the lines, the best, is drawn thick."""


@dataclass(frozen=True)
class Upright:
    """An axis: where its values stand, from 0 to 1, and what is written beside it."""

    name: str
    heights: Sequence[float]
    ticks: Sequence[tuple[float, str]]


def uprights_of(compared: RunsCompared) -> tuple[list[Upright], int]:
    """The axes, with a height for each setting that has a value, and how many settings have none.

    The best setting comes first.

    Raises:
        ArgumentError: if fewer than two settings have a value, or there are too many keys.
    """
    if compared.settings is None or not 0 < len(compared.keys) < MOST_AXES:
        raise ArgumentError(
            f"parallel: it takes runs of the same rows and 1 to {MOST_AXES - 1} keys that differ; "
            f"here {len(compared.keys)} do; --filter some"
        )
    having = [one for one in compared.settings.settings if one.mean is not None]
    if len(having) < 2:
        raise ArgumentError("parallel: it takes two settings with a value")
    labels = [compared.labels[one.setting] for one in having]
    axes = [upright(key, [label[key] for label in labels]) for key in compared.keys]
    means = [one.mean for one in having]
    return [*axes, upright(compared.metric.name, means)], len(compared.settings.settings) - len(
        having
    )


def upright(name: str, values: Sequence[Any]) -> Upright:
    """An axis of numbers, logarithmic where they span a decade, or of names at equal distances."""
    every = in_order(list({identity(one): one for one in values}.values()))
    places: list[float] = list(range(len(every)))
    if are_numbers(every):
        places = (
            [math.log10(one) for one in every] if is_wide(every) else [float(one) for one in every]
        )
    low, high = places[0], places[-1]
    at = [(place - low) / (high - low) if high > low else 0.5 for place in places]
    height = {identity(one): place for one, place in zip(every, at, strict=True)}
    step = max(1, math.ceil(len(every) / MOST_TICKS))
    shown = sorted({*range(0, len(every), step), len(every) - 1})
    ticks = [(at[n], value_text(every[n])) for n in shown]
    return Upright(name, [height[identity(one)] for one in values], ticks)


def draw_uprights(axes_of: Sequence[Upright], over: Sequence[str]) -> "Figure":
    """A line through all axes for each setting; the best tenth is thick, the others thin."""
    figure = new_figure(max(INCHES[0], 1.7 * len(axes_of)), INCHES[1])
    axes = figure.subplots()
    at = list(range(len(axes_of)))
    lines = list(zip(*(one.heights for one in axes_of), strict=True))
    best = math.ceil(len(lines) / BEST_SHARE)
    for number in reversed(range(len(lines))):
        is_best = number < best
        width, colour = (2.4, "black") if is_best else (0.8, "C0")
        axes.plot(at, lines[number], color=colour, linewidth=width, alpha=1.0 if is_best else 0.5)
    for x, one in enumerate(axes_of):
        axes.axvline(x, color="grey", linewidth=0.8)
        free = 0.0
        for height, text in one.ticks:
            if height < free:
                continue
            axes.annotate(
                text_of(text, 14),
                (x, height),
                xytext=(4, 2),
                textcoords="offset points",
                fontsize=8,
                bbox=BEHIND,
                zorder=5,
            )
            free = height + 0.05
    axes.set_xticks(at, [text_of(one.name, 22) for one in axes_of])
    axes.set_yticks([])
    axes.set_xlim(-0.1, len(axes_of) - 0.6)
    mean = f", means over {', '.join(over)}" if over else ""
    noun = "setting" if best == 1 else "settings"
    axes.set_title(
        text_of(f"{axes_of[-1].name}{mean}; thick: the best {best} {noun} of {len(lines)}", 90)
    )
    return figure
