"""Draws a confusion matrix, ROC curves and calibration."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seedbed.analysis.sentences import number_text, percent
from seedbed.views.class_rows import BINS, Calibration, Confusion, Roc, lowest
from seedbed.views.drawing import (
    LETTER,
    MOST_LOOKS,
    cut_text,
    legend_size,
    look,
    named,
    new_figure,
    text_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_SHARES, MOST_NUMBERS, MOST_NAMES = 12, 25, 30
"""Classes of a matrix whose cells have room for count and share, for the count alone, and of which
each is named."""

MOST_LARGE = 6
"""Classes of a matrix with large numbers."""

LONGEST_NAME = 20
"""Characters of a class beside a matrix, or in a legend."""

MOST_INSIDE = 5
"""Curves whose legend finds room below them."""

CHANCE: dict[str, Any] = {"color": "grey", "linestyle": (0, (1, 3)), "zorder": 0}
"""How the curve of a guess looks."""

MARKS = 8
"""About so many on a curve."""


def short_names(classes: Sequence[str]) -> list[str]:
    """The names as there is room for; what is cut to the same text has the number of its class."""
    texts = [cut_text(name, LONGEST_NAME) or "''" for name in classes]
    there = Counter(texts)
    return [text if there[text] == 1 else f"{number}: {text}" for number, text in enumerate(texts)]


def draw_confusion(drawn: Confusion, classes: Sequence[str], title: str) -> "Figure":
    """A row for each true class, a column for each predicted one; a darker cell is a rarer one."""
    number = len(classes)
    side = min(max(2.4, (0.56 if number <= MOST_SHARES else 0.42) * number), 9.0)
    beside = LETTER * max(map(len, short_names(classes)))
    figure = new_figure(side + beside + 2.4, side + beside + 1.1)
    figure.set_layout_engine("compressed")
    axes = figure.subplots()
    axes.set_facecolor("lightgrey")  # of a class without rows
    image = axes.imshow(drawn.shares, cmap="cividis", vmin=0, vmax=1)
    _name_classes(axes, drawn, classes)
    if number <= MOST_NUMBERS:
        _write_cells(axes, drawn)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class (rows)")
    figure.suptitle(title, fontsize=9)
    figure.colorbar(image, label="share of the true class", shrink=0.8)
    return figure


def _name_classes(axes: "Axes", drawn: Confusion, classes: Sequence[str]) -> None:
    """Every class, or of many every second, third, … one."""
    step = -(-len(classes) // MOST_NAMES)
    at = range(0, len(classes), step)
    names = [text_of(name) for name in short_names(classes)]
    rows = drawn.counts.sum(axis=1)
    axes.set_xticks(at, [names[one] for one in at])
    axes.set_yticks(at, [f"{names[one]} ({rows[one]})" for one in at])
    if max(len(names[one]) for one in at) > 3:
        axes.tick_params(axis="x", labelrotation=90 if len(classes) > MOST_SHARES else 45)
        for tick in axes.get_xticklabels():
            tick.set(ha="center" if len(classes) > MOST_SHARES else "right")
            tick.set_rotation_mode("default" if len(classes) > MOST_SHARES else "anchor")
    axes.tick_params(labelsize=8)


def _write_cells(axes: "Axes", drawn: Confusion) -> None:
    with_shares = len(drawn.counts) <= MOST_SHARES
    size = 9 if len(drawn.counts) <= MOST_LARGE else 7
    for (row, column), count in np.ndenumerate(drawn.counts):
        share = float(drawn.shares[row, column])
        if np.isnan(share):
            text, colour = "-", "black"
        else:
            told = f"\n{percent(share)}" if with_shares and count else ""
            text, colour = f"{count}{told}", "white" if share < 0.5 else "black"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=size)


def draw_rocs(curves: Sequence[Roc], classes: Sequence[str], title: str) -> "Figure":
    """A curve for each class against the others; of many those of the smallest areas are named."""
    from matplotlib.lines import Line2D

    names = short_names(classes)
    shown = list(curves) if len(curves) <= MOST_LOOKS else lowest(curves)
    labels = named([f"{names[one.number]} (AUC {number_text(one.area)})" for one in shown])
    wide, high = legend_size(labels) if len(labels) > MOST_INSIDE else (0.0, 0.0)
    figure = new_figure(5.6 + wide, max(5.8, high + 1.0))
    figure.set_layout_engine("compressed")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], **CHANCE)
    for number, one in reversed([*enumerate(shown)]):
        style = {**look(number), "markevery": max(1, len(one.hits) // MARKS)}
        axes.plot(one.misses, one.hits, linewidth=1.4, **style)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.set_xlabel("false positive rate: share of the other classes' rows")
    axes.set_ylabel("true positive rate: share of the class's own rows")
    figure.suptitle(title, fontsize=9)
    axes.grid(alpha=0.3)
    handles = [Line2D([], [], **look(number)) for number in range(len(labels))]
    inside = {"loc": "lower right"}
    outside = {"loc": "upper left", "bbox_to_anchor": (1.02, 1.0), "borderaxespad": 0.0}
    axes.legend(
        [*handles, Line2D([], [], **CHANCE)], [*labels, "chance (AUC 0.5)"], fontsize=8,
        title="the lowest AUC first" if len(curves) > MOST_LOOKS else "", title_fontsize=8,
        handlelength=3.5, alignment="left", **(outside if wide else inside),
    )  # fmt: skip
    return figure


def draw_calibration(drawn: Calibration, statement: str, title: str) -> "Figure":
    """A point for each bin with its interval, and below how many rows the bin has.

    Args:
        drawn: the bins.
        statement: whose probability it is.
        title: of the figure.
    """
    figure = new_figure(6.2, 6.8)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    there = drawn.rows > 0
    at, share = drawn.predicted[there], drawn.observed[there]
    ends = [share - drawn.low[there], drawn.high[there] - share]
    upper.plot([0, 1], [0, 1], color="grey", linestyle="--", label="perfectly calibrated")
    upper.errorbar(
        at, share, yerr=np.abs(ends), color="C0", marker="o", markersize=5, linewidth=1.2,
        elinewidth=0.9, capsize=3, label="rows of a bin, with a 95 % interval",
    )  # fmt: skip
    upper.set(ylim=(-0.03, 1.03))
    upper.set_ylabel("share that came true")
    figure.suptitle(title, fontsize=9)
    upper.legend(fontsize=8, loc="best")
    upper.grid(alpha=0.3)
    bars = lower.bar(
        np.arange(len(drawn.rows)) / len(drawn.rows), drawn.rows, width=1 / len(drawn.rows),
        align="edge", color="lightgrey", edgecolor="black", linewidth=0.6,
    )  # fmt: skip
    lower.bar_label(bars, fontsize=7, padding=2)
    lower.margins(y=0.2)
    lower.set(xlim=(-0.02, 1.02))
    lower.set_ylabel("rows")
    lower.set_xlabel(f"{statement}, {BINS} bins")
    return figure
