"""Pictures of many runs, by their kind; what each draws is computed beside it, without a figure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seedbed.analysis.runs_compared import Request, RunsCompared, compare_runs
from seedbed.catalog.table import RecordTable
from seedbed.config.hints import did_you_mean, joined
from seedbed.errors import ArgumentError
from seedbed.views.metric_curves import metric_curves
from seedbed.views.metric_curves_drawn import draw_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class PictureRequest:
    """What is to be drawn.

    Args:
        kind: one of `KINDS`.
        metric: its name; None for the one that the runs are compared by.
        over: as `Request` has it.
        better: as `Request` has it.
    """

    kind: str = "curves"
    metric: str | None = None
    over: Sequence[str] | None = None
    better: str | None = None


Drawn = tuple["Figure", list[str]]
"""A figure, and what must be known to read it."""


def picture(table: RecordTable, request: PictureRequest) -> Drawn:
    """Draws the runs of a table.

    Args:
        table: the newest first.
        request: what is to be drawn.

    Raises:
        ArgumentError: if it cannot be drawn; with what to type.
    """
    draw = KINDS.get(request.kind)
    if draw is None:
        hint = did_you_mean(request.kind, KINDS) or f"; there are {joined(list(KINDS))}"
        raise ArgumentError(f"--kind: no kind '{request.kind}'{hint}")
    compared = compare_runs(table, Request(request.metric, request.over, request.better))
    figure, notes = draw(compared, request)
    why = compared.metric.why
    return figure, [*table.notes, *([f"{compared.metric.name}: {why}"] if why else []), *notes]


def _curves(compared: RunsCompared, request: PictureRequest) -> Drawn:
    curves, notes = metric_curves(compared)
    if not curves:
        raise ArgumentError(f"nothing to draw: {notes[0]}")
    return draw_curves(curves, compared.metric.name, compared.over), notes


KINDS: dict[str, Callable[[RunsCompared, PictureRequest], Drawn]] = {"curves": _curves}
