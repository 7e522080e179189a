"""The rows that a run was measured on, read once more, and what its model makes of them.

They are the run's own to the bit: the fingerprint that the run keeps of its data is compared.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seedbed.config.check import checked
from seedbed.config.hints import joined
from seedbed.config.schema import LoaderConfig, MemoryConfig
from seedbed.data.batches import evaluation_batches
from seedbed.data.labelled_rows import LabelledRows
from seedbed.data.prepared import PreparedData
from seedbed.data.preprocessing import Preprocessing
from seedbed.errors import ArgumentError, DataError, RunDirectoryError
from seedbed.handed_in import handed_in
from seedbed.recording.figure import LARGEST
from seedbed.runs.files import printable
from seedbed.runs.layout import RunPaths
from seedbed.runs.opening import Opening, files_of
from seedbed.runs.reader import read_config, read_json
from seedbed.runs.relocation import relocated
from seedbed.runs.stored import is_stored
from seedbed.tasks.metric_values import metric_inputs
from seedbed.training.bounds import bounded, is_trusted, most_bytes
from seedbed.training.data_folder import refuse_absent_data
from seedbed.training.resume import refuse_changed_data
from seedbed.training.run_data import data_of
from seedbed.training.starting_point import continued
from seedbed.training.training import PREFIXES
from seedbed.views.evaluate import training_file_note
from seedbed.views.labelled_file import labelled_file
from seedbed.views.predict import model_outputs, outputs_of
from seedbed.views.trained import TrainedModel

SPLITS = {prefix: split for split, prefix in PREFIXES.items()}
"""What `--rows` takes, and the split that it means."""

SAME = 1e-4
"""How far, relatively, a metric may be from the one that the run wrote before it is told."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class RowOutputs:
    """What a model says of rows, beside what is true.

    Args:
        rows: which rows they are, in words.
        predictions: the probability of each class, or real values in the target's own unit.
        targets: numbers of classes, or real values.
        left_out: how many rows more there are, without a label or a finite prediction.
        notes: what a person should know.

    Shape:
        predictions (rows, classes) or (rows, outputs); targets (rows,) or (rows, outputs)
    """

    rows: str
    predictions: Values
    targets: NDArray[Any]
    left_out: int
    notes: Sequence[str]


def split_outputs(
    trained: TrainedModel,
    paths: RunPaths,
    rows: str,
    bounds: Opening,
    words: Sequence[str] = (),
    *,
    final: bool = True,
) -> RowOutputs:
    """Of the validation or the test rows of the run itself.

    Args:
        trained: the model.
        paths: of the run, which may be a stranger's.
        rows: `val` or `test`.
        bounds: which end before a class of the reader's own reads the data.
        words: `data.path=FILE`, where its data lies now.
        final: whether the weights are those of `model.pth`, which the run's metrics are of.

    Raises:
        DataError: if the data is not there or has changed, or there are no such rows.
        ArgumentError: if a word is about something else.
    """
    split = SPLITS[rows]
    data = _data(trained, paths, bounds, words)
    held_out = {"train": data.train, "validation": data.validation, "test": data.test}
    own = held_out[split]
    if own is None:
        raise DataError(_no_rows(paths, split, {k: v for k, v in held_out.items() if v}))
    loader = trained.config.get("loader")
    size = loader.get("batch_size") if isinstance(loader, dict) else None
    plain = LoaderConfig.of_this_process(size)
    pieces = evaluation_batches(own, plain, trained.config["seed"], torch.device("cpu")).epoch(0)
    pairs = [(outputs_of(trained, x), y) for x, y in pieces]
    outputs, y = (torch.cat(parts) for parts in zip(*pairs, strict=True))
    notes = _apart(trained, paths, rows, outputs, y) if final else []
    return _row_outputs(trained, f"{split} rows", outputs, y, [*trained.notes, *notes])


def file_outputs(trained: TrainedModel, paths: RunPaths, file: Path) -> RowOutputs:
    """Of the rows of a file with labels.

    Args:
        trained: the model.
        paths: of the run.
        file: of rows.

    Raises:
        DataError: if it cannot be read, or has not the columns or the classes of the run.
    """
    found = labelled_outputs(trained, labelled_file(trained, file), f"rows of {file.name}")
    return replace(found, notes=[*training_file_note(paths, trained.config, file), *found.notes])


def labelled_outputs(trained: TrainedModel, rows: LabelledRows, name: str) -> RowOutputs:
    """Of labelled rows, which were handed in or stand in a file.

    Args:
        trained: the model.
        rows: with their labels.
        name: of the rows, in words.
    """
    outputs, y = model_outputs(trained, rows.inputs), torch.from_numpy(rows.targets)
    found = _row_outputs(trained, name, outputs, y, [*trained.notes, *rows.notes])
    return replace(found, left_out=found.left_out + rows.without_label)


def _data(
    trained: TrainedModel, paths: RunPaths, bounds: Opening, words: Sequence[str]
) -> PreparedData:
    """The data of the run as it is read now, which is what it was read as then."""
    resolved = read_config(paths)
    _, others = relocated(resolved, words)
    if others:
        raise ArgumentError(f"plot takes data.path=FILE beside the run, got '{others[0]}'")
    bounds.justified_by(files_of(resolved))
    config = checked(resolved)
    if isinstance(config.data, MemoryConfig) and handed_in(config.data.fingerprint) is None:
        raise DataError(
            f"'{paths.root}' was trained on rows in memory, which are not kept; type --file "
            "labelled.csv with rows to draw"
        )
    refuse_absent_data(config.data, paths)
    with bounded(most_bytes(paths.last, paths.model)):
        if is_trusted(config):
            bounds.end()
        start = None if config.init.source is None else continued(config.init, paths)
        data = data_of(config, trained.allow, start=start)
    refuse_changed_data(data, paths)
    _refuse_other_form(trained.preprocessing, data.preprocessing, paths)
    return data


def _refuse_other_form(own: Preprocessing, now: Preprocessing, paths: RunPaths) -> None:
    """Refuses what was fitted on the rows of another run: its names would be on these rows.

    Raises:
        RunDirectoryError: naming what differs.
    """
    exact = ("task", "target", "classes", "outputs", "input_shape", "form")
    wrong = [name for name in exact if _read(getattr(own, name)) != _read(getattr(now, name))]
    for name in ("target_mean", "target_scale"):
        before, after = getattr(own, name), getattr(now, name)
        alike = before is not None and after is not None and np.allclose(before, after, rtol=1e-6)
        if not alike and before != after:
            wrong.append(name)
    if wrong:
        raise RunDirectoryError(
            f"'{paths.preprocessing}' does not go with the run's data: other {joined(wrong)}"
        )


def _read(value: Any) -> Any:
    """As the run's files give texts: with their control characters written out."""
    if isinstance(value, list):
        return [printable(one) if isinstance(one, str) else one for one in value]
    return value


def _no_rows(paths: RunPaths, split: str, there: dict[str, Any]) -> str:
    counts = {name.replace("train", "training"): len(rows) for name, rows in there.items()}
    told = joined([f"{count} {name} rows" for name, count in counts.items()])
    others = [f"--rows {prefix}, " for prefix, one in SPLITS.items() if one in there]
    return (
        f"'{paths.root}' has no {split} rows, it has {told}; type {''.join(others)}--file "
        f"labelled.csv, or train with data.split.{split}=0.2"
    )


def _apart(
    trained: TrainedModel, paths: RunPaths, prefix: str, outputs: Tensor, y: Tensor
) -> list[str]:
    """A sentence where a metric is not the one that the run wrote of the same rows."""
    told = read_json(paths.result).get("metrics") if is_stored(paths.result) else None
    head = trained.head  # metrics that the config names need not be built to draw
    names = [
        name for name in head.task.metrics if isinstance(told, dict) and f"{prefix}/{name}" in told
    ]
    name = next(iter(names), "")
    before = told.get(f"{prefix}/{name}") if isinstance(told, dict) else None
    if not isinstance(before, int | float):
        return []
    predictions, targets = metric_inputs(trained.head, outputs, y)
    now = float(trained.head.metric(name, predictions[None], targets[None])[0])
    if math.isnan(now) or math.isclose(now, before, rel_tol=SAME, abs_tol=1e-9):
        return []
    return [
        f"{name} of these rows is {now:.4g}, and the run wrote {prefix}/{name} {before:.4g}: here "
        "the model computes on the CPU in float32"
    ]


def _row_outputs(
    trained: TrainedModel, rows: str, outputs: Tensor, y: Tensor, notes: Sequence[str]
) -> RowOutputs:
    """As the metrics of a run have them; without rows that cannot be drawn, which are counted."""
    predictions, targets = (one.numpy() for one in metric_inputs(trained.head, outputs, y))
    classes = len(trained.preprocessing.classes)
    if classes and not ((targets >= 0) & (targets < classes)).all():
        raise DataError(f"the {rows} have labels that are none of the run's {classes} classes")
    right = (np.abs(predictions) < LARGEST).reshape(len(predictions), -1).all(axis=1)
    wrong = int((~right).sum())
    if wrong == len(right):
        raise DataError(f"the model gives no number for any of the {wrong} {rows}; nothing to draw")
    if wrong:
        notes = [*notes, f"not drawn, as the model gives no finite number: {wrong} of "
                 f"{len(right)} {rows}"]  # fmt: skip
    return RowOutputs(rows, predictions[right], targets[right], wrong, notes)
