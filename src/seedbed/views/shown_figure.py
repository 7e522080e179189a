"""A figure that a notebook shows without pyplot, which would take over the process's windows."""

import io
from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


class ShownFigure(Figure):
    """A figure of matplotlib's, drawn as a PNG where it is looked at.

    Attributes:
        notes: what must be known to read it.
    """

    notes: Sequence[str] = ()

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        FigureCanvasAgg(self).print_png(buffer)
        return buffer.getvalue()
