"""A run, as Python sees it: its directory, and the model that was trained."""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from seedbed.api.history import History
from seedbed.api.hygiene import untouched
from seedbed.api.predictions import Predictions
from seedbed.errors import ArgumentError, RunDirectoryError, SeedbedError
from seedbed.handed_in import handing_in, key_of_module
from seedbed.runs.layout import RunPaths
from seedbed.runs.opening import opening
from seedbed.runs.reader import open_run, read_config, read_history, read_json, read_status
from seedbed.runs.status import Status

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from torch import nn

    from seedbed.api.evaluations import Evaluation
    from seedbed.views.summary import Summary
    from seedbed.views.trained import TrainedModel

P = ParamSpec("P")
T = TypeVar("T")

CHECKPOINTS = (None, "last", "best")


def _within_bounds(
    method: "Callable[Concatenate[Run, P], T]",
) -> "Callable[Concatenate[Run, P], T]":
    """The run may be a stranger's, and the process is somebody else's."""

    def bounded(self: "Run", /, *args: P.args, **named: P.kwargs) -> T:
        with untouched(), opening(self.path), handing_in(self._given()):
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
        self._paths = RunPaths(open_run(path).root.absolute())  # wherever the caller goes next
        self._module = module
        self._opened: dict[str | None, TrainedModel] = {}

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
        return self._numbers("metrics")

    @property
    def best(self) -> dict[str, Any]:
        """The best epoch and its value; empty if there is none."""
        return self._numbers("best")

    @property
    def history(self) -> History:
        """A row for each epoch, by column.

        Of a run that was killed before it wrote the file, those of its last checkpoint.

        Raises:
            RunDirectoryError: if no epoch was finished, or the file is damaged.
        """
        if self._paths.history.exists():
            return History(read_history(self._paths))
        return self._history_of_checkpoint()

    @_within_bounds
    def model(self, checkpoint: str | None = None) -> "nn.Module":
        """The model with its weights, in evaluation mode on the CPU; each call gives another.

        Args:
            checkpoint: `last` or `best`; None for `model.pth`.

        Raises:
            CheckpointError: if the weights are damaged, or of another model.
            NotAllowedError: if the run names a class that you have not allowed.
        """
        return self._load(checkpoint).model

    @_within_bounds
    def predict(self, rows: Any, checkpoint: str | None = None) -> Predictions:
        """What the model says of rows: the same as `seedbed predict`.

        Args:
            rows: a list of lists or dictionaries, a dictionary of columns, an array, a DataFrame.
            checkpoint: as in `model`.

        Raises:
            DataError: if the rows are not of the run's form.
        """
        from seedbed.api.rows import new_rows
        from seedbed.views.predict import prediction_columns, predictions

        trained = self._trained(checkpoint)
        new = new_rows(rows, trained.preprocessing)
        report = predictions(trained, new.inputs)
        return Predictions(
            report["predictions"],
            {**prediction_columns(trained, report), **new.warnings()},
            report.get("classes", []),
            report.get("probabilities", []),
            [*trained.notes, *new.notes],
        )

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

        trained = self._trained(checkpoint)
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
        import torch

        from seedbed.api.rows import new_rows
        from seedbed.views.layers import chosen, layer_values, output

        trained = self._trained(checkpoint)
        inputs = torch.from_numpy(new_rows(rows, trained.preprocessing).inputs)
        values = layer_values(trained, inputs)
        values.setdefault("output", output(trained, inputs))
        if layers is not None and (isinstance(layers, str) or not isinstance(layers, Iterable)):
            layers = [layers]
        named = values if layers is None else chosen(values, layers, "layers")
        return {name: value.numpy() for name, value in named.items()}

    @_within_bounds
    def weights(self, checkpoint: str | None = None) -> "dict[str, np.ndarray[Any, Any]]":
        """Every tensor of the model's `state_dict`, by name.

        Args:
            checkpoint: as in `model`.
        """
        state = self._trained(checkpoint).model.state_dict()
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in state.items()}

    @_within_bounds
    def summary(self) -> "Summary":
        """The layers and parameters of the model; prints as a table."""
        from seedbed.views.summary import summary

        trained = self._trained(None)
        return summary(trained.model, trained.preprocessing.input_shape)

    @_within_bounds
    def plot(self) -> "Figure":
        """The loss curves, as a figure of matplotlib; a notebook shows it.

        Raises:
            RunDirectoryError: if no epoch was finished.
        """
        from seedbed.views.plots import losses_drawn

        return losses_drawn(self.path)

    @_within_bounds
    def _history_of_checkpoint(self) -> History:
        if not self._paths.last.exists():
            raise RunDirectoryError(
                f"'{self.path}' has no history yet: no epoch of it was recorded; "
                f"seedbed.resume({str(self.path)!r}) goes on, if nothing trains it now"
            )
        # Imported here: it brings torch, which the history of other runs does without.
        from seedbed.training.resume import load_snapshot

        snapshot = load_snapshot(self._paths)
        rows = snapshot["state"]["history"] if snapshot is not None else []
        return History({name: [row.get(name) for row in rows] for name in rows[0]} if rows else {})

    def _trained(self, checkpoint: str | None) -> "TrainedModel":
        """The model, opened once, for what leaves it as it is."""
        if checkpoint not in self._opened or self.status == Status.RUNNING:
            self._opened[checkpoint] = self._load(checkpoint)
        return self._opened[checkpoint]

    def _load(self, checkpoint: str | None) -> "TrainedModel":
        if checkpoint not in CHECKPOINTS:
            raise ArgumentError(f"checkpoint must be 'last', 'best' or None, got {checkpoint!r}")
        from seedbed.views.trained import load_trained

        return load_trained(self.path, checkpoint)

    def _given(self) -> dict[str, Any]:
        """The module, by the fingerprint that the run has of it."""
        if self._module is None:
            return {}
        return {key_of_module(self.config, self.path): self._module}

    def _numbers(self, key: str) -> dict[str, Any]:
        """What the result tells by name."""
        report = self._result().get(key)
        if report is not None and not isinstance(report, dict):
            raise RunDirectoryError(f"'{self._paths.result}' is damaged: {key} is no mapping")
        return report or {}

    def _cells(self) -> dict[str, str]:
        """The status and the metrics, of a damaged run as well: what is shown does not raise."""
        from seedbed.views.run_text import cell_text

        try:
            metrics = {name: value for name, value in self.metrics.items() if value is not None}
            values = {"status": self.status, **metrics}
        except SeedbedError as err:
            values = {"status": f"unreadable: {err.problems[0]}"}
        return {name: cell_text(value) for name, value in values.items()}

    def _result(self) -> dict[str, Any]:
        return read_json(self._paths.result) if self._paths.result.is_file() else {}

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        status, *metrics = self._cells().items()
        numbers = ", ".join(map(" ".join, metrics))
        return f"Run({str(self.path)!r}): {status[1]}{': ' if numbers else ''}{numbers}"

    def _repr_html_(self) -> str:
        lines = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(cell)}</td></tr>"
            for name, cell in self._cells().items()
        )
        return f"<p>{escape(str(self.path))}</p><table>{lines}</table>"
