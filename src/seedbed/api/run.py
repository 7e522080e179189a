"""A run, as Python sees it: its directory, and the model that was trained."""

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from seedbed.api.history import History, history_of_checkpoint
from seedbed.api.hygiene import untouched
from seedbed.api.predictions import Predictions, predicted
from seedbed.api.run_display import run_html, run_line
from seedbed.api.run_models import RunModels, activations
from seedbed.api.wording import worded_for_python
from seedbed.handed_in import handing_in
from seedbed.runs.layout import RunPaths
from seedbed.runs.opening import opening
from seedbed.runs.reader import open_to_read, read_config, read_history, read_result, read_status
from seedbed.runs.stored import is_stored

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from torch import nn

    from seedbed.api.evaluations import Evaluation
    from seedbed.views.summary import Summary

P = ParamSpec("P")
T = TypeVar("T")


def _within_bounds(
    method: "Callable[Concatenate[Run, P], T]",
) -> "Callable[Concatenate[Run, P], T]":
    """The run may be a stranger's, and the process is somebody else's."""

    def bounded(self: "Run", /, *args: P.args, **named: P.kwargs) -> T:
        with untouched(), opening(self.path), handing_in(self._models.handed_in()):
            return method(self, *args, **named)

    bounded.__doc__, bounded.__name__ = method.__doc__, method.__name__
    return bounded


class Run:
    """A run directory, and what was trained there.

    What it tells is read from the directory when it is asked for.

    Args:
        path: of the directory.
        module: of the form of the one that the run was begun with; None where the config tells it.

    Raises:
        RunDirectoryError: if there is none.
    """

    def __init__(self, path: str | Path, module: "nn.Module | None" = None) -> None:
        self._paths = RunPaths(open_to_read(path).root.absolute())  # wherever the caller goes next
        self._models = RunModels(self._paths, module)

    @property
    def path(self) -> Path:
        """The run directory."""
        return self._paths.root

    @property
    def status(self) -> str:
        """How it stands: running, completed, failed, interrupted or diverged."""
        return str(read_status(self._paths)["status"])

    @property
    def error(self) -> str | None:
        """Why it did not complete; None if it did."""
        error = read_status(self._paths).get("error")
        return None if error is None else str(error)

    @property
    def config(self) -> dict[str, Any]:
        """The resolved config, as in `config.yaml`."""
        return read_config(self._paths)

    @property
    def metrics(self) -> dict[str, float]:
        """Losses and metrics at the end, by name; empty if it has not come to one."""
        return read_result(self._paths, "metrics")

    @property
    def best(self) -> dict[str, Any]:
        """The best epoch and its value; empty if there is none."""
        return read_result(self._paths, "best")

    @property
    def history(self) -> History:
        """A row for each epoch, by column.

        Of a run that was killed before it wrote the file, those of its last checkpoint.

        Raises:
            RunDirectoryError: if no epoch was finished, or the file is damaged.
        """
        if is_stored(self._paths.history):
            return History(read_history(self._paths))
        return self._history_of_checkpoint()

    @_within_bounds
    def _history_of_checkpoint(self) -> History:
        return history_of_checkpoint(self._paths)

    @_within_bounds
    def model(self, checkpoint: str | None = None) -> "nn.Module":
        """The model with its weights, in evaluation mode on the CPU; each call gives another.

        Args:
            checkpoint: `last` or `best`; None for `model.pth`.

        Raises:
            CheckpointError: if the weights are damaged, or of another model.
            NotAllowedError: if the run names a class that you have not allowed.
        """
        return self._models.load(checkpoint).model

    @_within_bounds
    def predict(self, rows: Any, checkpoint: str | None = None) -> Predictions:
        """What the model says of rows: the same as `seedbed predict`.

        Args:
            rows: a list of lists or dictionaries, a dictionary of columns, an array, a DataFrame.
            checkpoint: as in `model`.

        Raises:
            DataError: if the rows are not of the run's form.
        """
        return predicted(self._models.opened(checkpoint), rows)

    @_within_bounds
    def evaluate(
        self,
        rows: Any,
        targets: Any = None,
        by: str | int | None = None,
        checkpoint: str | None = None,
    ) -> "Evaluation":
        """The loss and the metrics on labelled rows: the same as `seedbed evaluate`.

        Args:
            rows: columns with the targets among them, as a DataFrame or a dictionary; or rows in
                any form that `predict` takes, with `targets` beside them.
            targets: the labels, in the order of the rows; None if they are among the columns.
            by: the name of a column of the rows to measure groups by; it need not be a feature.
            checkpoint: as in `model`.

        Raises:
            DataError: if the rows are not of the run's form, or have labels that it does not know.
        """
        from seedbed.api.evaluations import Evaluation
        from seedbed.api.rows import labelled
        from seedbed.views.evaluate import evaluated

        trained = self._models.opened(checkpoint)
        return Evaluation(evaluated(trained, labelled(rows, targets, by, trained.preprocessing)))

    @_within_bounds
    def activations(
        self, rows: Any, layers: str | Sequence[str] | None = None, checkpoint: str | None = None
    ) -> "dict[str, np.ndarray[Any, Any]]":
        """What the layers make of rows, by their names; the model's output is `output`.

        Args:
            rows: as in `predict`.
            layers: a name, or names, as `summary` and `weights` have them; None for all.
            checkpoint: as in `model`.

        Raises:
            ArgumentError: for a name that is no layer.
            DataError: if the rows are not of the run's form.
        """
        return activations(self._models.opened(checkpoint), rows, layers)

    @_within_bounds
    def weights(self, checkpoint: str | None = None) -> "dict[str, np.ndarray[Any, Any]]":
        """Every tensor of the model's `state_dict`, by name.

        Args:
            checkpoint: as in `model`.
        """
        state = self._models.opened(checkpoint).model.state_dict()
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in state.items()}

    @_within_bounds
    def summary(self) -> "Summary":
        """The layers and parameters of the model; prints as a table."""
        from seedbed.views.summary import trained_summary

        return trained_summary(self._models.opened(None))

    @_within_bounds
    def plot(
        self,
        kind: str | None = None,
        rows: Any = "val",
        targets: Any = None,
        checkpoint: str | None = None,
    ) -> "Figure":
        """A picture of the run, as a figure of matplotlib; a notebook shows it.

        Args:
            kind: None for the loss curves; of classes `"confusion"`, `"roc"`, `"calibration"`; of
                real values `"residuals"`. Its `notes` say what must be known to read it.
            rows: `"val"` or `"test"`, the run's own; or rows with labels, as `evaluate` takes them.
            targets: as in `evaluate`.
            checkpoint: as in `model`.

        Raises:
            ArgumentError: if the picture is none of this run's task.
            DataError: if the rows are not there, or not those of the run any more.
            RunDirectoryError: if no epoch was finished.
        """
        if kind is None:
            from seedbed.views.plots import losses_drawn

            return losses_drawn(self.path)
        from seedbed.api.run_pictures import RowsAsked, drawn_on_rows

        return drawn_on_rows(self._models, self._paths, kind, RowsAsked(rows, targets, checkpoint))

    @worded_for_python()
    @_within_bounds
    def report(self, path: str | PathLike[str] | None = None) -> Path:
        """Writes one HTML page of the run, as `seedbed report` does; where it was written to.

        Args:
            path: of the file; None for `report.html` in the run directory.

        Raises:
            ArgumentError: if a file is there that is no report.
        """
        from seedbed.api.reporting import report_below

        return report_below(self.path, path)

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return run_line(self._paths)

    def _repr_html_(self) -> str:
        return run_html(self._paths)
