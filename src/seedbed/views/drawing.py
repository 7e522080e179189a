"""What the pictures of many runs share: looks that differ without colour, labels, files."""

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed.errors import ArgumentError
from seedbed.recording.figure import DPI
from seedbed.runs.files import printable
from seedbed.runs.outputs import write_output

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENDINGS = (".png", ".svg", ".pdf")

DASHES = ("-", "--", "-.", ":")
COLOURS = 10
"""Of matplotlib's `tab10`."""

MARKERS = ("o", "s", "^", "D", "v")

MOST_LOOKS = len(DASHES) * len(MARKERS)
"""Lines that dashes and markers tell apart; any more are drawn in grey."""

LONGEST_TEXT = 60
"""Characters of a label; more leave no room for the picture."""

ONE_LINE = str.maketrans("\n\r\t", "   ")
"""For `str.translate`: what would begin another line, or a column."""

LETTER, LINE = 0.075, 0.19
"""Inches of a legend: the width of a letter, and the height of a line."""

DECADES = 10.0
"""Between the least and the greatest of positive values: from there on an axis is logarithmic."""


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure that a notebook shows; inches."""
    # Imported here, and without pyplot: other commands do not wait for it.
    from seedbed.views.shown_figure import ShownFigure

    return ShownFigure(figsize=(width, height), dpi=DPI, layout="constrained")


def look(number: int) -> dict[str, Any]:
    """Of a line; no two of the first `MOST_LOOKS` have the same, in grey print either."""
    if number >= MOST_LOOKS:
        return {"color": "lightgrey", "linestyle": "-", "zorder": 1}
    dash, marker = number % len(DASHES), number // len(DASHES) + number % len(DASHES)
    return {
        "color": f"C{number % COLOURS}",
        "linestyle": DASHES[dash],
        "marker": MARKERS[marker % len(MARKERS)],
        "markersize": 4,
    }


def text_of(label: str, longest: int = LONGEST_TEXT) -> str:
    """A text as it is drawn: as `cut_text` has it, and no formula."""
    return cut_text(label, longest).replace("$", r"\$")


def cut_text(label: str, longest: int) -> str:
    """A text on one line, not too long, with its control characters written out."""
    text = printable(label.translate(ONE_LINE))
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def named(labels: Sequence[str]) -> list[str]:
    """The lines of a legend: as many as there are looks, and how many more there are."""
    shown = [text_of(label) for label in labels[:MOST_LOOKS]]
    more = len(labels) - len(shown)
    return [*shown, *([f"and {more} more, in grey"] if more else [])]


def legend_size(labels: Sequence[str]) -> tuple[float, float]:
    """Inches that a legend takes: width and height."""
    return 0.9 + LETTER * max(map(len, labels), default=0), 0.9 + LINE * len(labels)


def is_wide(values: Sequence[float], times: float = DECADES) -> bool:
    """Whether values belong on a logarithmic axis."""
    return bool(values) and min(values) > 0 and max(values) / min(values) >= times


def refuse_ending(path: Path) -> None:
    """Refuses a file that is no picture.

    Raises:
        ArgumentError: if its ending is none of ours.
    """
    if path.suffix.lower() not in ENDINGS:
        raise ArgumentError(f"--output: '{path}' must end in .png, .svg or .pdf")


def save(figure: "Figure", path: Path) -> None:
    """Writes the picture, whole or not at all; its ending says in which form."""
    form = path.suffix.lower().removeprefix(".")
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # shown as an empty box
        figure.savefig(buffer, format=form, metadata=undated)
    write_output(path, buffer.getvalue())
