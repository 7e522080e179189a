"""Predictions of a trained model for new rows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from seedbed.data.batch_sizes import evaluation_rows
from seedbed.models.build import output_of
from seedbed.views.trained import TrainedModel

VALUES_AT_ONCE = 2**26
"""That an operation may make; a model that makes millions of a row takes fewer rows."""


def predictions(trained: TrainedModel, inputs: np.ndarray[Any, Any]) -> dict[str, Any]:
    """What the model says of each row.

    Args:
        trained: the model.
        inputs: (rows, *input_shape) float32, as `data.new_rows` makes them.

    Returns:
        `predictions`, one list of real values a row, or one class name a row;
        then also `probabilities` and `classes`.
    """
    outputs = model_outputs(trained, inputs)
    found = trained.head.predictions(outputs.double())
    classes = trained.preprocessing.classes
    if not classes:
        return {"predictions": found.tolist()}
    return {
        "predictions": [classes[index] for index in found.argmax(dim=1).tolist()],
        "probabilities": found.tolist(),
        "classes": classes,
    }


def model_outputs(trained: TrainedModel, inputs: np.ndarray[Any, Any]) -> torch.Tensor:
    """The model's bare outputs of rows, as `outputs_of` gives them."""
    return outputs_of(trained, torch.from_numpy(inputs))


def outputs_of(trained: TrainedModel, rows: torch.Tensor) -> torch.Tensor:
    """The model's bare outputs; `rows` stay as they are, whatever it does.

    The rows are cut as the run's evaluation cuts them, unless a row takes very much memory.

    Shape:
        (rows, *input_shape) -> (rows, outputs)
    """
    loader = trained.config.get("loader")
    asked = loader.get("batch_size") if isinstance(loader, dict) else None
    batch_size = asked if asked == "auto" or (type(asked) is int and asked > 0) else None
    most = max(1, VALUES_AT_ONCE // max(trained.values_per_row, 1))
    parts = rows.split(min(evaluation_rows(batch_size, rows[:1].nbytes), most))
    with torch.no_grad():
        return torch.cat([output_of(trained.model(part.clone())).clone() for part in parts])


def prediction_columns(trained: TrainedModel, predicted: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The predictions as named columns for a table.

    Regression has one column a target, `<target>_prediction`; classes have `<target>_prediction`
    and `probability_<class>` for each.
    """
    targets = trained.preprocessing.target
    values = predicted["predictions"]
    if "classes" not in predicted:
        width = len(values[0]) if values else len(targets)
        names = (
            targets if len(targets) == width else [f"{targets[0]}_{i + 1}" for i in range(width)]
        )
        return {
            f"{name}_prediction": [row[index] for row in values] for index, name in enumerate(names)
        }
    columns: dict[str, list[Any]] = {f"{targets[0]}_prediction": list(values)}
    for index, name in enumerate(predicted["classes"]):
        columns[f"probability_{name}"] = [row[index] for row in predicted["probabilities"]]
    return columns
