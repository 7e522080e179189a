"""Pictures of a run on its rows, as Python asks for them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seedbed.api.rows import labelled
from seedbed.api.run_models import RunModels
from seedbed.api.wording import worded_for_python
from seedbed.errors import ArgumentError
from seedbed.runs.layout import RunPaths
from seedbed.runs.opening import opening
from seedbed.views.own_rows import RowOutputs, labelled_outputs, split_outputs
from seedbed.views.row_kinds import refuse_other_rows, refuse_unknown_kind
from seedbed.views.row_pictures import refuse_other_kind, row_picture
from seedbed.views.trained import TrainedModel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOVED = (r"; if it lies elsewhere now, type data\.\w+=FILE after the run", "")
"""Rows that are handed in stand for those of a file that moved."""


@dataclass(frozen=True)
class RowsAsked:
    """The rows of a picture.

    Args:
        rows: `val` or `test`, or rows with labels.
        targets: their labels; None if they are among the columns.
        checkpoint: whose weights make the predictions.
    """

    rows: Any
    targets: Any
    checkpoint: str | None


def drawn_on_rows(models: RunModels, paths: RunPaths, kind: str, asked: RowsAsked) -> "Figure":
    """A picture, with what must be known of it in its `notes`.

    Args:
        models: of the run.
        paths: of the run.
        kind: of the picture.
        asked: which rows.

    Raises:
        ArgumentError: if the picture is none of this run's task.
        DataError: if the rows are not there, or not those of the run.
    """
    with worded_for_python(MOVED):
        refuse_unknown_kind(kind)
        trained = models.opened(asked.checkpoint)
        refuse_other_kind(trained, paths, kind)
        figure, notes = row_picture(trained, kind, _outputs(trained, paths, asked), paths)
        figure.notes = notes  # type: ignore[attr-defined]
        return figure


def _outputs(trained: TrainedModel, paths: RunPaths, asked: RowsAsked) -> RowOutputs:
    if not isinstance(asked.rows, str):
        rows = labelled(asked.rows, asked.targets, None, trained.preprocessing)
        return labelled_outputs(trained, rows, "given rows")
    if asked.targets is not None:
        raise ArgumentError(f"targets are of rows that are given, not of '{asked.rows}'")
    refuse_other_rows(asked.rows)
    with opening(paths.root) as bounds:
        final = asked.checkpoint is None
        return split_outputs(trained, paths, asked.rows, bounds, final=final)
