"""Real values held against their predictions: a point each, and what is left over."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seedbed.analysis.intervals import mean_and_std
from seedbed.analysis.sentences import number_text
from seedbed.data.preprocessing import Preprocessing
from seedbed.views.drawing import new_figure, text_of
from seedbed.views.own_rows import Values

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_TARGETS = 6
"""Rows of panels in a figure."""

MANY = 2000
"""Points; from there on they are pixels in an SVG or PDF too, which stays small."""

FAINTEST = 0.05
"""Opacity of a point; of less nothing is left where it lies alone."""

LONGEST_NAME = 20
"""Characters of a target."""


@dataclass(frozen=True)
class Residuals:
    """One target.

    Args:
        name: of the column, with its unit where it has one.
        true: its values, in its own unit; (rows,).
        predicted: likewise.
    """

    name: str
    true: Values
    predicted: Values

    @property
    def left(self) -> Values:
        """True - predicted: above 0 the prediction is too low."""
        return self.true - self.predicted

    @property
    def mean_absolute(self) -> float:
        """The mean absolute error."""
        return float(np.abs(self.left).mean())

    @property
    def r2(self) -> float:
        """The share of the variance that is explained; NaN where all true values are one."""
        variance = np.square(self.true - self.true.mean()).sum()
        if np.ptp(self.true) == 0:
            return float("nan")
        return float(1 - np.square(self.left).sum() / variance)

    @property
    def bins(self) -> int:
        """Of the histogram."""
        return int(np.clip(np.sqrt(len(self.true)), 5, 40))


def residuals_of(
    predictions: Values, targets: Values, preprocessing: Preprocessing
) -> list[Residuals]:
    """Each target of a run.

    Shape:
        predictions (rows, outputs), targets (rows, outputs)
    """
    names = target_names(preprocessing, predictions.shape[1])
    columns = zip(names, targets.T, predictions.T, strict=True)
    return [Residuals(*one) for one in columns]


def target_names(preprocessing: Preprocessing, outputs: int) -> list[str]:
    """Of the outputs, as `seedbed predict` numbers them where a column holds several."""
    targets, units = preprocessing.output_names, preprocessing.text.units
    if len(targets) != outputs:
        return [f"{targets[0]}_{number}" for number in range(1, outputs + 1)]
    return [f"{name} ({units[name]})" if name in units else name for name in targets]


def draw_residuals(drawn: Sequence[Residuals], title: str) -> "Figure":
    """Three panels a target: predicted against true, residuals against predicted, how many."""
    figure = new_figure(12.5, 0.7 + 3.6 * len(drawn))
    figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.08)
    panels = figure.subplots(len(drawn), 3, squeeze=False)
    for (first, second, third), one in zip(panels, drawn, strict=True):
        _draw_predicted(first, one)
        _draw_left(second, one)
        _draw_histogram(third, one)
    figure.suptitle(title, fontsize=9)
    return figure


def _draw_predicted(axes: "Axes", one: Residuals) -> None:
    name = text_of(one.name, LONGEST_NAME)
    axes.locator_params(axis="x", nbins=5)
    low, high = _limits(np.concatenate([one.true, one.predicted]))
    axes.plot([low, high], [low, high], color="black", linestyle="--", linewidth=1, zorder=3)
    _points(axes, one.true, one.predicted)
    axes.set(xlim=(low, high), ylim=(low, high))
    axes.set_xlabel(f"true {name}")
    axes.set_ylabel(f"predicted {name}")
    told = f"mae {number_text(one.mean_absolute)}"
    axes.set_title(told if np.isnan(one.r2) else f"{told}, r2 {number_text(one.r2)}", fontsize=9)
    axes.grid(alpha=0.3)


def _draw_left(axes: "Axes", one: Residuals) -> None:
    name = text_of(one.name, LONGEST_NAME)
    axes.locator_params(axis="x", nbins=5)
    axes.axhline(0, color="black", linestyle="--", linewidth=1, zorder=3)
    _points(axes, one.predicted, one.left)
    axes.set_xlabel(f"predicted {name}")
    axes.set_ylabel("residual: true - predicted")
    axes.grid(alpha=0.3)


def _draw_histogram(axes: "Axes", one: Residuals) -> None:
    axes.locator_params(axis="x", nbins=5)
    edges = np.linspace(*_limits(one.left), one.bins + 1)
    rows, _ = np.histogram(one.left, edges)
    axes.stairs(rows, edges, fill=True, facecolor="lightgrey", edgecolor="black", linewidth=0.7)
    axes.axvline(0, color="black", linestyle="--", linewidth=1, zorder=3)
    mean, std = mean_and_std(one.left)
    told = f"mean {number_text(mean)}"
    axes.set_title(told if std is None else f"{told}, std {number_text(std)}", fontsize=9)
    axes.set_xlabel("residual: true - predicted")
    axes.set_ylabel("rows")
    axes.set_ylim(bottom=0)


def _points(axes: "Axes", x: Values, y: Values) -> None:
    """The more there are, the paler each is, so that one sees where most lie."""
    many = len(x) > MANY
    axes.plot(
        x, y, "o", color="C0", markersize=2 if many else 4,
        alpha=max(FAINTEST, 0.3 * MANY / len(x)) if many else 0.6,
        markeredgewidth=0, rasterized=many,
    )  # fmt: skip


def _limits(values: Values) -> tuple[float, float]:
    """Ends of an axis that holds the values, with room beside the outermost."""
    low, high = float(values.min()), float(values.max())
    room = 0.04 * (high - low) or 0.04 * abs(low) or 1.0
    return low - room, high + room
