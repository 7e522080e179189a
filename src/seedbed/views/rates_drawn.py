"""Draws what learning rates came to: the mean over seeds with its spread, and the suggested one."""

import math
from typing import TYPE_CHECKING

from seedbed.sweep.rate_curve import RateCurve
from seedbed.views.drawing import is_wide, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def rates_drawn(curve: RateCurve) -> "Figure":
    """A figure of `train/loss` over the rate, without runs that diverged."""
    figure = new_figure(7.0, 4.5)
    axes = figure.subplots()
    own = [[one for one in losses if math.isfinite(one)] for losses in curve.losses]
    pairs = [
        (rate, losses, mean)
        for rate, losses, mean in zip(curve.rates, own, curve.means, strict=True)
        if math.isfinite(mean)
    ]
    if pairs:
        rates, losses, means = zip(*pairs, strict=True)
        if len(curve.seeds) > 1:
            low, high = [min(one) for one in losses], [max(one) for one in losses]
            label = f"from the least to the greatest of {len(curve.seeds)} seeds"
            axes.fill_between(rates, low, high, alpha=0.25, label=label)
        axes.plot(rates, means, "o-", markersize=3, label="mean over seeds")
        if is_wide(means):
            axes.set_yscale("log")
    diverged = [
        rate for rate, mean in zip(curve.rates, curve.means, strict=True) if mean == math.inf
    ]
    if diverged:
        axes.plot(
            diverged,
            [0.02] * len(diverged),
            "x",
            color="C3",
            transform=axes.get_xaxis_transform(),
            label="diverged",
        )
    if curve.suggested is not None:
        label = f"suggested: {curve.suggested:g}"
        axes.axvline(curve.suggested, color="black", linestyle="--", label=label)
    axes.set_xscale("log")
    axes.set_xlabel("optimizer.lr")
    axes.set_ylabel(f"train/loss of epoch {curve.epochs}")
    axes.set_title(f"{len(curve.rates)} learning rates, {curve.steps} steps each")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
