"""Pictures of many runs, by their kind; what each draws is computed beside it, without a figure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seedbed.analysis.runs_compared import Request, RunsCompared, compare_runs
from seedbed.catalog.table import RecordTable
from seedbed.config.hints import counted, did_you_mean, joined
from seedbed.errors import ArgumentError
from seedbed.views.kept_weights import note_on_kept_weights
from seedbed.views.metric_curves import metric_curves
from seedbed.views.metric_curves_drawn import draw_curves
from seedbed.views.parallel import draw_uprights, uprights_of
from seedbed.views.row_kinds import ROW_KINDS
from seedbed.views.shares_drawn import bars_of, draw_bars
from seedbed.views.slices import Level, chosen_keys, grid_of, groups_of, slice_of
from seedbed.views.slices_drawn import draw_grid, draw_groups, draw_slice, remarks

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class PictureRequest:
    """What is to be drawn.

    Args:
        kind: one of `KINDS`.
        compared: how the runs are compared; None for what they themselves suggest.
        keys: of a slice or heatmap; None for those that differ.
        against: the other metric of a scatter.
    """

    kind: str = "curves"
    compared: Request | None = None
    keys: Sequence[str] | None = None
    against: str | None = None


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
        hint = _hint(request.kind)
        raise ArgumentError(f"--kind: no kind '{request.kind}'{hint}")
    _refuse_idle(request)
    compared = compare_runs(table, request.compared)
    figure, notes = draw(compared, request)
    name, why = compared.metric.name, compared.metric.why
    kept = note_on_kept_weights(compared.table, name, request.kind)
    told = [*table.notes, *([f"{name}: {why}"] if why else []), *notes, *kept]
    figure.notes = told  # type: ignore[attr-defined]
    return figure, told


def _hint(kind: str) -> str:
    if kind in ROW_KINDS:
        return f" of many runs; {kind} is of one run: load_run(path).plot('{kind}')"
    every = [*KINDS, *ROW_KINDS]
    return did_you_mean(kind, every) or f"; there are {joined(every)}"


def _curves(compared: RunsCompared, request: PictureRequest) -> Drawn:
    curves, notes = metric_curves(compared)
    if not curves:
        raise ArgumentError(f"nothing to draw: {notes[0]}")
    return draw_curves(curves, compared.metric.name, compared.over), notes


def _slice(compared: RunsCompared, request: PictureRequest) -> Drawn:
    (key,) = chosen_keys(compared, request.keys, 1)
    drawn, metric = slice_of(compared, key), compared.metric.name
    _refuse_nothing(drawn.levels, metric)
    others = [one for one in compared.keys if one != key]
    return draw_slice(drawn, metric), remarks(drawn.levels, others, metric)


def _heatmap(compared: RunsCompared, request: PictureRequest) -> Drawn:
    rows, columns = chosen_keys(compared, request.keys, 2)
    drawn, metric = grid_of(compared, rows, columns), compared.metric.name
    levels = [cell for line in drawn.cells for cell in line]
    _refuse_nothing(levels, metric)
    others = [one for one in compared.keys if one not in (rows, columns)]
    return draw_grid(drawn, metric), remarks(levels, others, metric)


def _scatter(compared: RunsCompared, request: PictureRequest) -> Drawn:
    metric = compared.metric.name
    if request.against is None:
        names = [name for name in compared.table.metrics if name != metric]
        raise ArgumentError(f"scatter: against what; type --against and one of {joined(names)}")
    groups, without = groups_of(compared, request.against)
    told = f"did not complete with a finite {metric} and {request.against}"
    lacking = f"{counted(without, 'run')} {told}"
    return draw_groups(groups, metric, request.against), [lacking] if without else []


def _importance(compared: RunsCompared, request: PictureRequest) -> Drawn:
    return draw_bars(bars_of(compared), compared.metric.name), []


def _parallel(compared: RunsCompared, request: PictureRequest) -> Drawn:
    axes, without = uprights_of(compared)
    told = [
        f"not drawn, as no run has a finite {compared.metric.name}: {counted(without, 'setting')}"
    ]
    return draw_uprights(axes, compared.over), told if without else []


def _refuse_nothing(levels: Sequence[Level | None], metric: str) -> None:
    if not any(level and level.values for level in levels):
        raise ArgumentError(f"no run has a finite {metric} to draw")


def _refuse_idle(request: PictureRequest) -> None:
    if request.keys is not None and request.kind not in ("slice", "heatmap"):
        raise ArgumentError(
            f"--key is of a slice or a heatmap, not of {request.kind}; leave it out"
        )
    if request.against is not None and request.kind != "scatter":
        raise ArgumentError(f"--against is of a scatter, not of {request.kind}; leave it out")


KINDS: dict[str, Callable[[RunsCompared, PictureRequest], Drawn]] = {
    "curves": _curves,
    "slice": _slice,
    "heatmap": _heatmap,
    "scatter": _scatter,
    "importance": _importance,
    "parallel": _parallel,
}
