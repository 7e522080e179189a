"""Draws a metric by epoch, with a band where a line is a mean."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seedbed.recording.figure import INCHES
from seedbed.views.drawing import (
    MOST_LOOKS,
    cut_text,
    is_wide,
    legend_size,
    look,
    named,
    new_figure,
    text_of,
)
from seedbed.views.metric_curves import MetricCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOGARITHMIC = 100.0
"""Between the least and the greatest value that is drawn."""

MOST_BANDS = 12
"""Of more, one hides the other; the lines of the best have theirs."""

MARKS = 10
"""About so many on a line."""


def draw_curves(curves: Sequence[MetricCurve], metric: str, over: Sequence[str]) -> "Figure":
    """A figure of the curves.

    Args:
        curves: the best first.
        metric: its name.
        over: keys whose values are repetitions; empty for runs side by side.
    """
    from matplotlib.ticker import MaxNLocator

    labels = named([_label(one, over) for one in curves])
    title = _legend_title(over, len(curves))
    wide, high = legend_size([*labels, *title.split("\n")])
    figure = new_figure(INCHES[0] + wide, max(INCHES[1], high + 0.6))
    axes = figure.subplots()
    for number in reversed(range(len(curves))):
        _draw(axes, number, curves[number])
    logarithmic = is_wide([value for one in curves for value in one.means], LOGARITHMIC)
    if logarithmic:
        axes.set_yscale("log")
    axes.set_title(text_of(f"{metric} by epoch{_mean_of(over)}"))
    axes.set_xlabel("epoch")
    axes.set_ylabel(text_of(f"{metric}, logarithmic" if logarithmic else metric))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    _legend(figure, labels, title)
    return figure


def _draw(axes: "Axes", number: int, curve: MetricCurve) -> None:
    style = {**look(number), "markevery": max(1, len(curve.epochs) // MARKS)}
    epochs, means = np.array(curve.epochs), np.array(curve.means)
    if curve.stds is not None and number < MOST_BANDS:
        stds = np.array(curve.stds)
        axes.fill_between(
            epochs, means - stds, means + stds, color=style["color"], alpha=0.18, linewidth=0
        )
    axes.plot(epochs, means, linewidth=1.6 if number < MOST_LOOKS else 0.8, **style)


def _label(curve: MetricCurve, over: Sequence[str]) -> str:
    if not over:
        return curve.label
    cut = f", to epoch {curve.epochs[-1]:g}" if curve.is_cut else ""
    return f"{cut_text(curve.label, 46)}  n={curve.n}{cut}"


def _legend_title(over: Sequence[str], number: int) -> str:
    if not over:
        return ""
    some = f", of the first {MOST_BANDS}" if number > MOST_BANDS else ""
    return f"line: mean over {', '.join(over)}\nband: ± 1 standard deviation\nof the sample{some}"


def _mean_of(over: Sequence[str]) -> str:
    return f", mean over {', '.join(over)}" if over else ""


def _legend(figure: "Figure", labels: Sequence[str], title: str) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], **look(number)) for number in range(len(labels))]
    figure.legend(
        handles, labels, loc="outside right upper", fontsize=8, title=title, title_fontsize=8,
        handlelength=3.5, alignment="left",
    )  # fmt: skip
