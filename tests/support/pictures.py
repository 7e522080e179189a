"""Pictures of losses, drawn once for losses of a kind."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

PLAIN = 1e6
"""Losses up to here are drawn like any others; beyond, axes need powers or gaps."""


def draw_losses_of_a_kind_once() -> None:
    """Has runs that record from now on share the picture of curves with the same names.

    A third of what a short run takes is its picture, and nobody looks at it. Losses that may be
    hard to draw are drawn each time they differ; what draws, and the commands that draw, are
    tested as they are.
    """
    results: Any = sys.modules.get("seedbed.recording.results")
    if results is not None and not hasattr(results.loss_figure, "drawn"):
        results.loss_figure = _once(results.loss_figure)


def _once(draw: Callable[[Any], Any]) -> Callable[[Any], Any]:
    drawn: dict[str, Any] = {}

    def picture(curves: Any) -> Any:
        key = _kind(curves)
        if key not in drawn:
            drawn[key] = draw(curves)
        return drawn[key]

    picture.drawn = drawn  # type: ignore[attr-defined]
    return picture


def _kind(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> str:
    """What tells pictures apart: all values, where these may matter."""
    losses = [loss for _, values in curves.values() for loss in values]
    if len(losses) > len(curves) and all(0 < loss < PLAIN for loss in losses):
        return f"plain {list(curves)}"
    return repr(curves)
