"""Loss curves of one run or several, drawn from their histories. Needs no torch."""

from collections.abc import Sequence
from pathlib import Path

from seedbed.errors import RunDirectoryError
from seedbed.runs.files import write_bytes
from seedbed.runs.reader import open_run, read_history
from seedbed.training.figure import Curve, loss_figure


def plot_losses(runs: Sequence[str | Path], output: Path | None = None) -> Path:
    """Draws the losses of the runs into one picture.

    Args:
        runs: run directories.
        output: the PNG to write; None for `loss.png` in the only run.

    Returns:
        Where the picture is.

    Raises:
        RunDirectoryError: if a run has no history, or nothing in it.
    """
    curves: dict[str, Curve] = {}
    paths = [open_run(run) for run in runs]
    for run in paths:
        history = read_history(run)
        for name in ("train/loss", "val/loss"):
            points = zip(history.get("epoch", []), history.get(name, []), strict=False)
            pairs = [(x, y) for x, y in points if x is not None and y is not None]
            if pairs:
                label = name if len(paths) == 1 else f"{run.root.name} {name}"
                curves[label] = ([x for x, _ in pairs], [y for _, y in pairs])
    if not curves:
        raise RunDirectoryError(f"'{paths[0].root}' has no finished epoch to plot")
    target = output or paths[0].figure
    write_bytes(target, loss_figure(curves).png)
    return target
