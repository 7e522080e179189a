"""Loss curves of one run or several, drawn from their histories. Needs no torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed.config.target_keys import with_absent
from seedbed.errors import RunDirectoryError
from seedbed.recording.figure import DPI, INCHES, Curve, draw_losses, loss_figure
from seedbed.runs.layout import RunPaths
from seedbed.runs.outputs import write_output
from seedbed.runs.reader import open_run, open_to_read, read_config, read_history
from seedbed.views.comparison import comparison_figure, comparison_png, distinct_names
from seedbed.views.drawing import save

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_losses(runs: Sequence[str | Path], output: Path | None = None) -> Path:
    """Draws the losses of the runs into one picture.

    Args:
        runs: run directories; one that is named twice is drawn once.
        output: the file to write, by its ending a PNG, SVG or PDF; None for `loss.png` in the only
            run.

    Returns:
        Where the picture is.

    Raises:
        RunDirectoryError: if no run has anything to draw, or a file is damaged.
    """
    into_run = output is None and len(runs) == 1
    opened = map(open_run if into_run else open_to_read, runs)
    paths = list({run.root.resolve(): run for run in opened}.values())
    losses = [_losses(run) for run in paths]
    if not any(losses):
        raise RunDirectoryError(f"'{paths[0].root}' has no finished epoch to plot")
    target = output or paths[0].figure
    if len(paths) == 1:
        _write_one(target, losses[0])
        return target
    names = distinct_names([run.root.resolve().parts for run in paths])
    drawn = {name: one for name, one in zip(names, losses, strict=True) if one}
    if target.suffix.lower() == ".png":
        write_output(target, comparison_png(drawn, _loss_label(paths)))
    else:
        save(comparison_figure(drawn, _loss_label(paths)), target)
    return target


def _write_one(target: Path, losses: dict[str, Curve]) -> None:
    if target.suffix.lower() == ".png":
        write_output(target, loss_figure(losses).png)
    else:
        save(_shown(losses), target)


def losses_drawn(run: str | Path) -> "Figure":
    """The losses of a run, as a figure of matplotlib.

    Raises:
        RunDirectoryError: if the run has nothing to draw.
    """
    paths = open_to_read(run)
    losses = _losses(paths)
    if not losses:
        raise RunDirectoryError(f"'{paths.root}' has no finished epoch to plot")
    return _shown(losses)


def _shown(losses: dict[str, Curve]) -> "Figure":
    from seedbed.views.shown_figure import ShownFigure

    figure = ShownFigure(figsize=INCHES, dpi=DPI)
    draw_losses(figure, losses)
    return figure


def _losses(run: RunPaths) -> dict[str, Curve]:
    history = read_history(run)
    curves: dict[str, Curve] = {}
    for name in ("train/loss", "val/loss"):
        points = zip(history.get("epoch", []), history.get(name, []), strict=False)
        pairs = [(x, y) for x, y in points if x is not None and y is not None]
        if pairs:
            curves[name] = ([x for x, _ in pairs], [y for _, y in pairs])
    return curves


def _loss_label(runs: Sequence[RunPaths]) -> str:
    """Says it where the losses of the runs are not in one unit."""
    units: list[Any] = []
    for run in runs:
        config = read_config(run)
        data = config.get("data")
        scaled = data.get("standardize") if isinstance(data, dict) else None
        loss = config.get("loss")
        units.append((with_absent(loss) if isinstance(loss, dict) else loss, scaled))
    return (
        "loss value"
        if all(unit == units[0] for unit in units)
        else "loss values, not all in one unit"
    )
