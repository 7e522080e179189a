"""What mattered, as bars: the shares that `analysis` computes, the largest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seedbed.analysis.importance import ANOVA, Importance, importance
from seedbed.analysis.runs_compared import RunsCompared
from seedbed.analysis.sentences import percent, share_name
from seedbed.errors import ArgumentError
from seedbed.recording.figure import INCHES
from seedbed.views.drawing import new_figure, text_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_BARS = 20

HATCH = "///"
"""Of the bar of noise, which is no key."""


@dataclass(frozen=True)
class Bars:
    """Names and shares.

    Args:
        method: that the shares are by.
        names: of keys and pairs of keys, the largest first; the seed's after them.
        shares: of each, from 0 to 1.
        has_noise: whether the last is what differs within a setting.
        more: smaller ones that are left out.
    """

    method: str
    names: list[str]
    shares: list[float]
    has_noise: bool
    more: int


def bars_of(compared: RunsCompared) -> Bars:
    """The shares of the keys and of the seed.

    Raises:
        ArgumentError: if they cannot be told; with why.
    """
    if compared.settings is None or not compared.over or not compared.keys:
        raise ArgumentError(
            "importance: it takes settings that were run with several seeds each; "
            "type seed=range(0,10) in the sweep"
        )
    return bars_of_importance(importance(compared.settings, compared.over), compared.over)


def bars_of_importance(found: Importance, over: Sequence[str]) -> Bars:
    """The shares of what is known already.

    Args:
        found: what mattered.
        over: names of what is repeated.
    """
    shown = list(found.shares)[:MOST_BARS]
    noise = found.noise if found.method == ANOVA else None
    names = [share_name(one) for one in shown]
    shares = [one.share for one in shown]
    if noise is not None:
        names.append(f"{', '.join(over)} (noise)")
        shares.append(noise)
    return Bars(found.method, names, shares, noise is not None, len(found.shares) - len(shown))


def draw_bars(bars: Bars, metric: str) -> "Figure":
    """A bar for each share, with its number."""
    figure = new_figure(INCHES[0], 1.4 + 0.34 * len(bars.names))
    axes = figure.subplots()
    drawn = axes.barh(range(len(bars.names)), bars.shares, color="C0")
    axes.set_yticks(range(len(bars.names)), [text_of(name, 40) for name in bars.names])
    axes.bar_label(drawn, [percent(share) for share in bars.shares], padding=3, fontsize=8)
    if bars.has_noise:
        drawn.patches[-1].set(facecolor="white", edgecolor="black", hatch=HATCH)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.1 * max([*bars.shares, 0.01]))
    exact = bars.method == ANOVA
    axes.set_xlabel(f"share of {'the variance' if exact else 'PED-ANOVA'}, of 1")
    more = f"; {bars.more} smaller ones left out" if bars.more else ""
    axes.set_title(text_of(f"what mattered for {metric}{more}"))
    axes.grid(alpha=0.3, axis="x")
    return figure
