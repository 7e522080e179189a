"""The loss curve, titled and labelled as in the article."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Curve = tuple[Sequence[float], Sequence[float]]

TITLE = "Loss variation over increasing epochs"
LARGEST = 1e100
"""Of what is drawn; beyond it the figure cannot lay out its axes."""

INCHES, DPI = (7.0, 4.2), 100


class Picture(NamedTuple):
    """A PNG, with its size in pixels."""

    png: bytes
    width: int
    height: int


def loss_figure(curves: Mapping[str, Curve]) -> Picture:
    """Draws one line for each curve.

    Args:
        curves: epochs and losses, by the name for the legend.
    """
    # Imported here, and without pyplot: a sweep draws nothing and does not wait for it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=INCHES, dpi=DPI)
    canvas = FigureCanvasAgg(figure)
    draw_losses(figure, curves)
    buffer = io.BytesIO()
    canvas.print_png(buffer)
    width, height = canvas.get_width_height()
    return Picture(buffer.getvalue(), width, height)


def draw_losses(figure: "Figure", curves: Mapping[str, Curve]) -> None:
    """Draws one line for each curve into an empty figure; curves as in `loss_figure`."""
    axes = figure.subplots()
    for name, (epochs, losses) in curves.items():
        axes.plot(
            drawable(epochs),
            drawable(losses),
            label=name,
            linestyle="--" if name == "val/loss" else "-",  # told apart in grey print too
            marker="o" if len(epochs) < 2 else None,
        )
    axes.set_title(TITLE)
    axes.set_xlabel("epochs")
    axes.set_ylabel("loss value")
    axes.grid(alpha=0.3)
    if len(curves) <= 12:
        axes.legend()
    figure.subplots_adjust(left=0.11, right=0.97, top=0.91, bottom=0.13)


def drawable(values: Sequence[float]) -> list[float]:
    """The values, with gaps for what no axis can show."""
    return [value if abs(value) < LARGEST else math.nan for value in values]
