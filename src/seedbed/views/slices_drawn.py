"""Draws a metric against one swept key, against two, or against another metric."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seedbed.analysis.sentences import number_text, value_text
from seedbed.config.hints import counted, joined
from seedbed.errors import ArgumentError
from seedbed.recording.figure import INCHES
from seedbed.views.drawing import MOST_LOOKS, is_wide, legend_size, look, named, new_figure, text_of
from seedbed.views.slices import Grid, Group, Level, Slice, are_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CELLS = 24
"""Values of a key of a heatmap; of more no number can be read."""

POINTS = "os^Dv<>pP*"
"""Forms of points."""

LONGEST_TICK = 18
"""Characters."""

LEAST_GAP = 1 / 12
"""Of an axis, between two ticks that are values of a key."""

WIDE = 100.0
"""Between the least and the greatest value of a metric: from there on its axis is logarithmic."""


def draw_slice(drawn: Slice, metric: str) -> "Figure":
    """A point for each run, and a line through the means."""
    figure = new_figure(INCHES[0] + 1.5, INCHES[1])
    axes = figure.subplots()
    at = drawn.at if drawn.is_numeric else range(len(drawn.at))
    every = [value for level in drawn.levels for value in level.values]
    pairs = [(x, y) for x, level in zip(at, drawn.levels, strict=True) for y in level.values]
    axes.plot(*zip(*pairs, strict=True), "o", color="C0", alpha=0.45, markersize=5, label="a run")
    means = [level.mean for level in drawn.levels]
    line = "-" if drawn.is_numeric else "none"
    axes.plot(at, means, color="black", marker="D", linestyle=line, markersize=6, label="mean")
    _mark_without(axes, at, drawn.levels)
    if drawn.is_numeric:
        logarithmic = is_wide(drawn.at)
        axes.set_xscale("log" if logarithmic else "linear")
        _tick_values(axes, drawn.at, logarithmic)
    else:
        axes.set_xticks(list(at), _ticks(drawn.at))
        axes.margins(x=0.15)
        _turn(axes, drawn.at)
    _label_y(axes, metric, every)
    axes.set_xlabel(text_of(drawn.key))
    axes.set_title(text_of(f"{metric} against {drawn.key}"))
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=8)
    return figure


def draw_grid(drawn: Grid, metric: str) -> "Figure":
    """A cell for each pair of values, with the mean written in it.

    Raises:
        ArgumentError: if a key has too many values.
    """
    from matplotlib.colors import LogNorm, Normalize

    high, wide = len(drawn.rows), len(drawn.columns)
    for key, number in ((drawn.row_key, high), (drawn.column_key, wide)):
        if number > MOST_CELLS:
            raise ArgumentError(
                f"heatmap: {key} has {number} values, and there is room for {MOST_CELLS}; "
                "--filter some"
            )
    figure = new_figure(2.6 + max(3.0, 0.85 * wide), 1.3 + max(2.0, 0.5 * high))
    axes = figure.subplots()
    means = np.array([[_mean(cell) for cell in line] for line in drawn.cells])
    known = means[np.isfinite(means)].tolist()
    norm = (LogNorm if is_wide(known, WIDE) else Normalize)(min(known), max(known))
    image = axes.imshow(means, cmap="cividis", norm=norm, aspect="auto")
    for row, line in enumerate(drawn.cells):
        for column, cell in enumerate(line):
            shade = norm(means[row, column]) if cell and cell.values else 1.0
            colour = "white" if shade < 0.5 else "black"
            axes.text(
                column, row, _cell_text(cell), ha="center", va="center", color=colour, fontsize=8
            )
    axes.set_xticks(range(wide), _ticks(drawn.columns))
    axes.set_yticks(range(high), _ticks(drawn.rows))
    _turn(axes, drawn.columns)
    axes.set_xlabel(text_of(drawn.column_key))
    axes.set_ylabel(text_of(drawn.row_key))
    axes.set_title(text_of(f"mean of {metric}"))
    figure.colorbar(image, label=text_of(metric))
    return figure


def draw_groups(groups: Sequence[Group], metric: str, against: str) -> "Figure":
    """A point for each run; the runs of a setting look alike."""
    from matplotlib.lines import Line2D

    labels = named([one.label for one in groups])
    wide, high = legend_size(labels)
    figure = new_figure(INCHES[0] + wide, max(INCHES[1], high))
    axes = figure.subplots()
    styles = [_point(number) for number in range(len(groups))]
    for style, one in zip(styles, groups, strict=True):
        axes.plot(one.x, one.y, alpha=0.8, **style)
    if is_wide([x for one in groups for x in one.x], WIDE):
        axes.set_xscale("log")
    _label_y(axes, metric, [y for one in groups for y in one.y])
    axes.set_xlabel(text_of(against))
    axes.set_title(text_of(f"{metric} against {against}"))
    axes.grid(alpha=0.3)
    handles = [Line2D([], [], **style) for style in styles[: len(labels)]]
    figure.legend(handles, labels, loc="outside right upper", fontsize=8)
    return figure


def remarks(levels: Sequence[Level | None], others: Sequence[str], metric: str) -> list[str]:
    """What must be known of means over runs.

    Args:
        levels: that are drawn.
        others: keys that differ among the runs of a level, beside what is repeated.
        metric: its name.
    """
    some = [level for level in levels if level is not None]
    without = sum(level.without for level in some)
    told = [f"a mean is over all values of {joined(list(others))}"] if others else []
    if without:
        told.append(
            f"in no mean, as they have no finite {metric} at their end: {counted(without, 'run')}"
        )
    if len({len(level.values) for level in some}) > 1:
        told.append("the means are not all over the same number of runs")
    return told


def _mark_without(axes: "Axes", at: Sequence[Any], levels: Sequence[Level]) -> None:
    """Crosses at the upper edge, each with the number of runs that have no value."""
    lacking = [(x, level.without) for x, level in zip(at, levels, strict=True) if level.without]
    if not lacking:
        return
    edge = axes.get_xaxis_transform()
    places = [x for x, _ in lacking]
    heights = [0.96] * len(lacking)
    axes.plot(places, heights, "x", color="black", transform=edge, label="runs without a value")
    for x, number in lacking:
        axes.annotate(
            str(number), (x, 0.96), xycoords=edge, xytext=(6, -3), textcoords="offset points",
            fontsize=8,
        )  # fmt: skip


def _point(number: int) -> dict[str, Any]:
    """Of a setting: ten forms, filled and empty; any more are grey crosses."""
    if number >= MOST_LOOKS:
        return {"color": "lightgrey", "marker": "x", "linestyle": "none", "zorder": 1}
    filled = {} if number < len(POINTS) else {"markerfacecolor": "none"}
    marker = POINTS[number % len(POINTS)]
    colour = look(number)["color"]
    return {"color": colour, "marker": marker, "linestyle": "none", "markersize": 6, **filled}


def _mean(cell: Level | None) -> float:
    return float("nan") if cell is None else cell.mean


def _cell_text(cell: Level | None) -> str:
    if cell is None:
        return "no run"
    mean = number_text(cell.mean) if cell.values else "no value"
    return f"{mean}\n({cell.without} without)" if cell.without else mean


def _ticks(values: Sequence[Any]) -> list[str]:
    return [text_of(value_text(value), LONGEST_TICK) for value in values]


def _turn(axes: "Axes", values: Sequence[Any]) -> None:
    """Turns ticks that would lie over each other."""
    longest = max(len(value_text(value)) for value in values)
    if not are_numbers(values) and min(longest, LONGEST_TICK) * len(values) > 48:
        axes.tick_params(axis="x", labelrotation=30)


def _tick_values(axes: "Axes", at: Sequence[float], logarithmic: bool) -> None:
    """A tick at each value, where they stand far enough apart for their numbers."""
    places = np.log10(at) if logarithmic else np.asarray(at, float)
    places = np.sort(places)
    if len(places) == 1 or np.diff(places).min() >= LEAST_GAP * np.ptp(places):
        axes.set_xticks(list(at), _ticks(at))
        axes.minorticks_off()


def _label_y(axes: "Axes", metric: str, values: Sequence[float]) -> None:
    logarithmic = is_wide(values, WIDE)
    if logarithmic:
        axes.set_yscale("log")
    axes.set_ylabel(text_of(f"{metric}, logarithmic" if logarithmic else metric))
