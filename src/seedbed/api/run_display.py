"""A run as `print` and a notebook show it: how it stands, its metrics, and its loss curves."""

from html import escape

from seedbed.errors import SeedbedError
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_history, read_result, read_status
from seedbed.runs.stored import is_stored

BESIDE = '<div style="display: flex; flex-wrap: wrap; gap: 1em; align-items: flex-start">'
"""One beside the other, where there is room."""


def run_line(paths: RunPaths) -> str:
    """Where it is, and its cells behind each other."""
    status, *metrics = run_cells(paths).items()
    numbers = ", ".join(map(" ".join, metrics))
    return f"Run({str(paths.root)!r}): {status[1]}{': ' if numbers else ''}{numbers}"


def run_html(paths: RunPaths) -> str:
    """Where it is, and its cells below each other, beside its loss curves."""
    lines = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(cell)}</td></tr>"
        for name, cell in run_cells(paths).items()
    )
    table = f"<table>{lines}</table>"
    return f"<p>{escape(str(paths.root))}</p>{BESIDE}{table}{_curves(paths)}</div>"


def _curves(paths: RunPaths) -> str:
    """As its history tells them; nothing of a run without one, or with one that is damaged."""
    from seedbed.views.curve_svg import losses_svg

    try:
        return losses_svg(read_history(paths)) if is_stored(paths.history) else ""
    except SeedbedError:
        return ""


def run_cells(paths: RunPaths) -> dict[str, str]:
    """The status and the metrics, of a damaged run as well: what is shown does not raise."""
    # Imported here: training a run does without it.
    from seedbed.views.run_text import cell_text

    try:
        metrics = read_result(paths, "metrics").items()
        values = {"status": str(read_status(paths)["status"])}
        values |= {name: value for name, value in metrics if value is not None}
    except SeedbedError as err:
        values = {"status": f"unreadable: {err.problems[0]}"}
    return {name: cell_text(value) for name, value in values.items()}
