"""A figure that a notebook shows without pyplot, which would take over the process's windows."""

import base64
import html
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

    def _repr_html_(self) -> str | None:
        """The picture with its notes below; None where there are none, and the PNG says it all."""
        if not self.notes:
            return None
        picture = base64.b64encode(self._repr_png_()).decode()
        said = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return f'<img src="data:image/png;base64,{picture}"/><ul>{said}</ul>'

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        FigureCanvasAgg(self).print_png(buffer)
        return buffer.getvalue()
