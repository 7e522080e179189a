"""The losses of several runs in one picture: a look of its own for each run, told in a legend."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seedbed.recording.figure import DPI, INCHES, TITLE, Curve, drawable
from seedbed.views.drawing import (
    COLOURS,
    DASHES,
    LETTER,
    LINE,
    MARKERS,
    MOST_LOOKS,
    text_of,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_NAMED = COLOURS * len(DASHES)
"""Runs with a look of their own; any more are drawn in grey."""

MAIN: dict[str, Any] = {"linewidth": 1.8}
BESIDE: dict[str, Any] = {"linewidth": 0.8, "alpha": 0.6}
"""How the loss that runs are compared by is drawn, and how the other."""

ENDS: dict[str, Any] = {"markersize": 5, "markevery": [-1]}
"""A mark where a run ended."""

Losses = Mapping[str, Curve]
"""`train/loss`, `val/loss` or both."""


def comparison_png(runs: Mapping[str, Losses], loss_label: str) -> bytes:
    """The losses of runs as a PNG; arguments as of `comparison_figure`."""
    # Imported here, and without pyplot: other commands do not wait for it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(comparison_figure(runs, loss_label))
    buffer = io.BytesIO()
    canvas.print_png(buffer)
    return buffer.getvalue()


def comparison_figure(runs: Mapping[str, Losses], loss_label: str) -> "Figure":
    """Draws the losses of runs.

    Args:
        runs: by the name for the legend.
        loss_label: of the axis.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    labels = _labels(runs)
    wide = 0.8 + LETTER * max(map(len, labels))
    high = max(INCHES[1], 1.0 + LINE * len(labels))
    figure = Figure(figsize=(INCHES[0] + wide, high), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    main = "val/loss" if any("val/loss" in losses for losses in runs.values()) else "train/loss"
    for number, losses in _behind_first(runs):
        for name, (epochs, values) in losses.items():
            axes.plot(drawable(epochs), drawable(values), **_look(number, main=name == main))
    handles = [Line2D([], [], **_look(n, main=True)) for n in range(len(runs))][: MOST_NAMED + 1]
    if main == "val/loss":
        handles += [Line2D([], [], color="black", **MAIN), Line2D([], [], color="black", **BESIDE)]
    axes.set_title(TITLE)
    axes.set_xlabel("epochs")
    axes.set_ylabel(loss_label)
    axes.grid(alpha=0.3)
    figure.legend(handles, labels, loc="outside right upper", fontsize=8)
    return figure


def _behind_first(runs: Mapping[str, Losses]) -> list[tuple[int, Losses]]:
    """Runs with their numbers, in the order of drawing: a short one is not hidden by a long one."""
    numbered = reversed(list(enumerate(runs.values())))
    return sorted(numbered, key=lambda one: -max(len(epochs) for epochs, _ in one[1].values()))


def _labels(runs: Mapping[str, Losses]) -> list[str]:
    """Of the lines of the legend."""
    labels = [text_of(name) for name in runs]
    if len(labels) > MOST_NAMED:
        labels = [*labels[:MOST_NAMED], f"and {len(labels) - MOST_NAMED} more"]
    if any("val/loss" in losses for losses in runs.values()):
        labels += ["thick: val/loss", "thin: train/loss"]
    return labels


def _look(number: int, *, main: bool) -> dict[str, Any]:
    """Of the lines of a run; no two of the first `MOST_NAMED` have the same.

    The first `MOST_LOOKS` are told apart by dashes and the mark at the end, without colour.
    """
    width = MAIN if main else BESIDE
    if number >= MOST_NAMED:
        style: dict[str, Any] = {"color": "lightgrey", "linestyle": "-", "zorder": 1}
    else:
        dash, mark = number % len(DASHES), number // len(DASHES) % len(MARKERS)
        colour = (number + number // MOST_LOOKS) % COLOURS
        style = {"color": f"C{colour}", "linestyle": DASHES[dash], "marker": MARKERS[mark]}
    marked = ENDS if main else {"marker": None}
    return {**width, **style, **marked}


def distinct_names(paths: Sequence[tuple[str, ...]]) -> list[str]:
    """The end of each path, with as much in front of it as tells it from the others.

    Args:
        paths: the parts of each.
    """
    names = []
    for number, path in enumerate(paths):
        others = [other for at, other in enumerate(paths) if at != number]
        size = 1
        while size < len(path) and any(other[-size:] == path[-size:] for other in others):
            size += 1
        names.append("/".join(path[-size:]))
    return names
