"""The models of a run directory: each checkpoint opened once, and asked for what is inside."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from seedbed.errors import ArgumentError
from seedbed.handed_in import key_of_module
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_config, read_status
from seedbed.runs.status import Status

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from seedbed.views.trained import TrainedModel

CHECKPOINTS = (None, "last", "best")


class RunModels:
    """The model of a run, with the weights of any of its checkpoints.

    Args:
        paths: of the run directory.
        module: as `Run` takes it.
    """

    def __init__(self, paths: RunPaths, module: "nn.Module | None") -> None:
        self._paths = paths
        self._module = module
        self._opened: dict[str | None, TrainedModel] = {}

    def opened(self, checkpoint: str | None) -> "TrainedModel":
        """The model, opened once, for what leaves it as it is."""
        if checkpoint not in self._opened or self._is_running():
            self._opened[checkpoint] = self.load(checkpoint)
        return self._opened[checkpoint]

    def load(self, checkpoint: str | None) -> "TrainedModel":
        """The model, opened anew.

        Raises:
            ArgumentError: for a checkpoint that is none.
        """
        if checkpoint not in CHECKPOINTS:
            raise ArgumentError(f"checkpoint must be 'last', 'best' or None, got {checkpoint!r}")
        from seedbed.views.trained import load_trained

        return load_trained(self._paths.root, checkpoint)

    def handed_in(self) -> dict[str, Any]:
        """The module, by the fingerprint that the run has of it."""
        if self._module is None:
            return {}
        return {key_of_module(read_config(self._paths), self._paths.root): self._module}

    def _is_running(self) -> bool:
        return str(read_status(self._paths)["status"]) == Status.RUNNING


def activations(
    trained: "TrainedModel", rows: Any, layers: str | Sequence[str] | None
) -> "dict[str, np.ndarray[Any, Any]]":
    """What the layers make of rows; see `Run.activations`."""
    from seedbed.api.rows import new_rows
    from seedbed.views.layers import chosen, layer_values, output
    from seedbed.views.predict import as_batch

    inputs = as_batch(new_rows(rows, trained.preprocessing).inputs)
    values = layer_values(trained, inputs)
    values.setdefault("output", output(trained, inputs))
    if layers is not None and (isinstance(layers, str) or not isinstance(layers, Iterable)):
        layers = [layers]
    named = values if layers is None else chosen(values, layers, "layers")
    return {name: value.numpy() for name, value in named.items()}
