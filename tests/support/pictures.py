"""Pictures of losses, drawn once for the same losses."""

import sys
from collections.abc import Callable
from typing import Any


def draw_the_same_losses_once() -> None:
    """Has runs that record from now on share the pictures of the same losses.

    A third of what a short run takes is its picture, and most tests train the same few runs. What
    draws, and the commands that draw, are tested as they are.
    """
    results: Any = sys.modules.get("seedbed.recording.results")
    if results is not None and not hasattr(results.loss_figure, "drawn"):
        results.loss_figure = _once(results.loss_figure)


def _once(draw: Callable[[Any], Any]) -> Callable[[Any], Any]:
    drawn: dict[str, Any] = {}

    def picture(curves: Any) -> Any:
        key = repr(curves)
        if key not in drawn:
            drawn[key] = draw(curves)
        return drawn[key]

    picture.drawn = drawn  # type: ignore[attr-defined]
    return picture
