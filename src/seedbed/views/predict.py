"""Predictions of a trained model for new rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from seedbed.config.task_names import MULTILABEL
from seedbed.data.batch_sizes import BLOCK_BYTES, evaluation_rows
from seedbed.data.nested import mapped
from seedbed.data.nested_rows import NestedRows
from seedbed.errors import ModelError
from seedbed.models.build import output_of
from seedbed.models.calling import forwarded
from seedbed.training.threads import most_threads, using
from seedbed.views.trained import TrainedModel

Inputs = np.ndarray[Any, Any] | NestedRows
"""Rows to predict: (rows, *input_shape), or tensors in tuples and mappings."""

VALUES_AT_ONCE = 2**26
"""That an operation may make; a model that makes millions of a row takes fewer rows."""

OWN_WEIGHTS = 2**16
"""From which on a model uses the cores: threads that wait for a smaller one's rows take longer."""


def predictions(trained: TrainedModel, inputs: Inputs) -> dict[str, Any]:
    """What the model says of each row.

    Args:
        trained: the model.
        inputs: as `data.new_rows` makes them.

    Returns:
        `predictions`, one list of real values a row, or one class name a row;
        then also `probabilities` and `classes`.
    """
    return report_of(trained, model_outputs(trained, inputs).double())


def report_of(trained: TrainedModel, outputs: torch.Tensor) -> dict[str, Any]:
    """What the model says, from its outputs in float64; see `predictions`."""
    found = trained.head.predictions(outputs)
    classes = trained.preprocessing.classes
    if trained.head.task.name == MULTILABEL:
        return {
            "predictions": _labels_of(trained, found).tolist(),
            "probabilities": found.tolist(),
            "labels": trained.preprocessing.output_names,
        }
    if not classes:
        quantiles = trained.head.quantiles
        return {"predictions": found.tolist(), **({"quantiles": quantiles} if quantiles else {})}
    return {
        "predictions": _named(found, classes),
        "probabilities": found.tolist(),
        "classes": classes,
    }


def _labels_of(trained: TrainedModel, found: torch.Tensor) -> torch.Tensor:
    """1 where a label is predicted, else 0."""
    return (found >= trained.preprocessing.threshold).long()


def _named(found: torch.Tensor, classes: Sequence[str]) -> list[str]:
    return [classes[index] for index in found.argmax(dim=1).numpy().tolist()]


def as_batch(inputs: Inputs) -> Any:
    """All rows together, as a model takes them."""
    return inputs.whole() if isinstance(inputs, NestedRows) else torch.from_numpy(inputs)


def model_outputs(trained: TrainedModel, inputs: Inputs) -> torch.Tensor:
    """The model's bare outputs of rows, as `outputs_of` gives them."""
    if isinstance(inputs, NestedRows):
        return _outputs(trained, inputs.pieces(rows_at_once(trained, BLOCK_BYTES)))
    return outputs_of(trained, torch.from_numpy(inputs))


def outputs_of(trained: TrainedModel, rows: Any) -> torch.Tensor:
    """The model's bare outputs; `rows` stay as they are, whatever it does.

    The rows are cut as the run's evaluation cuts them, unless a row takes very much memory; tensors
    in tuples and mappings have been cut by who calls.

    Shape:
        (rows, *input_shape) -> (rows, outputs)
    """
    if not isinstance(rows, torch.Tensor):
        return _outputs(trained, [rows])
    return _outputs(trained, rows.split(rows_at_once(trained, rows[:1].nbytes)))


def _outputs(trained: TrainedModel, parts: Iterable[Any]) -> torch.Tensor:
    weights = sum(one.numel() for one in trained.model.parameters())
    with torch.no_grad(), using(1 if weights < OWN_WEIGHTS else most_threads()):
        copies = (mapped(torch.Tensor.clone, part) for part in parts)
        found = torch.cat([output_of(forwarded(trained.model, one)).clone() for one in copies])
    if trained.head.has_own_step:
        _refuse_other_outputs(trained, found)
    return found


def _refuse_other_outputs(trained: TrainedModel, outputs: torch.Tensor) -> None:
    """Refuses outputs that only the run's own step knows to use.

    Raises:
        ModelError: with where they can be had.
    """
    wanted = (len(outputs), trained.head.outputs)
    if tuple(outputs.shape) != wanted:
        raise ModelError(
            f"model(x) gives {tuple(outputs.shape)} for {len(outputs)} rows, and predictions of "
            f"the task {trained.head.task.name} take {wanted}; the run's own step made its loss "
            "of them: have them by seedbed.load_run(RUN).model(), or by seedbed inspect RUN --layer"
        )


def rows_at_once(trained: TrainedModel, row_bytes: int) -> int:
    """How many rows go through the model together; `row_bytes` are those of one input."""
    loader = trained.config.get("loader")
    asked = loader.get("batch_size") if isinstance(loader, dict) else None
    batch_size = asked if asked == "auto" or (type(asked) is int and asked > 0) else None
    most = max(1, VALUES_AT_ONCE // max(trained.values_per_row, 1))
    return min(evaluation_rows(batch_size, row_bytes), most)


def prediction_columns(trained: TrainedModel, predicted: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The predictions as named columns for a table.

    Real values have one column a target, `<target>_prediction`, or one a quantile; classes have
    `<target>_prediction` and `probability_<class>` for each; so have labels, of each of them.
    """
    values = predicted.get("probabilities", predicted["predictions"])
    found = torch.tensor(values, dtype=torch.float64)
    if not len(found):  # its form is not told by rows
        found = found.reshape(0, len(trained.preprocessing.classes) or trained.head.outputs)
    return columns_of(trained, found)


def columns_of(trained: TrainedModel, found: torch.Tensor) -> dict[str, list[Any]]:
    """As `prediction_columns`, without a list for each row.

    Args:
        trained: the model.
        found: what its head makes of rows, of which there may be none.
    """
    targets, classes = trained.preprocessing.target, trained.preprocessing.classes
    if trained.head.task.name == MULTILABEL:
        return _columns_of_labels(trained, found)
    parts = [part.tolist() for part in found.numpy().T]
    if not classes:
        return dict(zip(_columns_of_values(trained, len(parts)), parts, strict=True))
    names = [f"probability_{name}" for name in classes]
    return {
        f"{targets[0]}_prediction": _named(found, classes),
        **dict(zip(names, parts, strict=True)),
    }


def _columns_of_labels(trained: TrainedModel, found: torch.Tensor) -> dict[str, list[Any]]:
    names = trained.preprocessing.output_names
    shown = found.reshape(-1, len(names))
    predicted = _labels_of(trained, shown).T.tolist()
    return {
        **{f"{name}_prediction": one for name, one in zip(names, predicted, strict=True)},
        **{f"probability_{name}": one for name, one in zip(names, shown.T.tolist(), strict=True)},
    }


def _columns_of_values(trained: TrainedModel, width: int) -> list[str]:
    levels, names = trained.head.quantiles, trained.preprocessing.output_names
    size = width // max(1, len(levels))
    if len(names) != size:  # of a model of the user's own
        names = [f"{names[0]}_{i + 1}" for i in range(size)]
    if levels:
        return [f"{name}_quantile_{level!r}" for name in names for level in levels]
    return [f"{name}_prediction" for name in names]
