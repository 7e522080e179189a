"""What a model is worth on labelled rows: the run's loss and metrics, each with an interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import file_digest
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seedbed.analysis.intervals import Array, Interval
from seedbed.analysis.row_intervals import drawn_rows, percentile_interval, resamples_of
from seedbed.data.labelled_rows import LabelledRows
from seedbed.data.row_groups import Groups
from seedbed.errors import RunDirectoryError
from seedbed.runs.files import printable
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_json
from seedbed.tasks.built_loss import is_ours_or_torchs
from seedbed.tasks.chosen_metrics import measuring
from seedbed.tasks.head import TaskHead
from seedbed.tasks.losses import stackable_loss
from seedbed.tasks.metric_values import metric_inputs, metrics_of
from seedbed.training.evaluation import over_pieces
from seedbed.training.threads import using
from seedbed.views.predict import model_outputs
from seedbed.views.trained import TrainedModel

LOSS = "loss"

REASONS = {
    "r2": ": the targets there are all one value",
    "auroc": ": a class is in none of the rows there",
}
"""Why a metric is not defined."""

NO_WEIGHT = ": no row there has a weight above 0"
"""Why the loss is not, of a run that weighs rows."""


@dataclass(frozen=True)
class Measured:
    """The loss and the metrics on some rows.

    Args:
        n: rows.
        values: by name; NaN where one is not defined.
        intervals: by name; None where none can be told.
    """

    n: int
    values: Mapping[str, float]
    intervals: Mapping[str, Interval | None]


@dataclass(frozen=True)
class Evaluated:
    """A run on labelled rows.

    Args:
        whole: on all of them.
        by: the column that they are grouped by, or None.
        groups: of each group by its name, None for a missing value.
        resamples: that the intervals are made of.
        without_label: rows that were left out.
        notes: what a person should know.
    """

    whole: Measured
    by: str | None
    groups: Mapping[str | None, Measured]
    resamples: int
    without_label: int
    notes: Sequence[str]


def evaluated(trained: TrainedModel, rows: LabelledRows, notes: Sequence[str] = ()) -> Evaluated:
    """Measures a model.

    The loss and the metrics are computed as those of a run's test rows are.

    Args:
        trained: the model.
        rows: with their labels.
        notes: on where they come from.

    Raises:
        MetricError: if a metric or a loss of the user's own raises.
    """
    head, groups = trained.measuring_head, rows.groups
    outputs, y = model_outputs(trained, rows.inputs), torch.from_numpy(rows.targets)
    resamples = resamples_of(len(y))
    # Threads would wait for one another at the end of each small operation.
    with using(1), measuring(), head.measuring():
        whole = _measured(head, outputs, y, resamples)
        found = {
            name: _measured(head, outputs[chosen], y[chosen], resamples)
            for name, chosen in _chosen(groups).items()
        }
    by = groups.by if groups else None
    notes = [*trained.notes, *notes, *rows.notes]
    wrong = int((~outputs.isfinite()).reshape(len(y), -1).any(dim=1).sum())
    if wrong:
        notes.append(f"the model gives no finite number for {wrong} of {len(y)} rows")
    reasons = {} if wrong else REASONS
    if head.preprocessing.weight is not None:
        reasons = {**reasons, LOSS: NO_WEIGHT}
    notes += _notes(head, whole, by, found, reasons)
    return Evaluated(whole, by, found, resamples, rows.without_label, notes)


def training_file_note(paths: RunPaths, config: Mapping[str, Any], file: Path) -> list[str]:
    """A sentence where a file is the one that the run was trained on, as its bytes tell."""
    try:
        path = config["data"]["path"]
        trained_on = read_json(paths.environment)["data"]["files"][path]
    except (RunDirectoryError, OSError, KeyError, TypeError):
        return []
    if file.is_dir():
        kind, is_same = "folder", file.resolve() == Path(path).resolve()
    else:
        with file.open("rb") as content:
            kind, is_same = "file", trained_on == file_digest(content, "sha256").hexdigest()
    name = printable(file.name)
    told = f"'{name}' is the {kind} that the run was trained on: its numbers are better than those"
    return [f"{told} on new rows"] if is_same else []


def _chosen(groups: Groups | None) -> dict[str | None, Tensor]:
    """The numbers of the rows of each group."""
    if groups is None:
        return {}
    return {
        name: torch.from_numpy(np.flatnonzero(groups.numbers == number))
        for number, name in enumerate(groups.names)
    }


def _measured(head: TaskHead, outputs: Tensor, y: Tensor, resamples: int) -> Measured:
    names = [LOSS, *head.metric_names]
    if not len(y):
        return Measured(0, dict.fromkeys(names, nan), dict.fromkeys(names))
    values = over_pieces(
        [(outputs, y)], lambda x: x, lambda *own: _loss(head, *own), partial(metrics_of, head)
    )
    resampled = _resampled(head, outputs, y, resamples)
    intervals = {
        name: None if isnan(values[name]) else percentile_interval(resampled[name])
        for name in names
    }
    return Measured(len(y), values, intervals)


def _loss(head: TaskHead, output: Tensor, y: Tensor) -> float:
    """NaN for a loss that is not told, see `_untold`, and of no row."""
    return nan if _untold(head) or not head.batch_weight(y) else head.loss(output, y).item()


def _untold(head: TaskHead) -> str:
    """Why the loss that a run was trained by is not told; empty where it is."""
    if head.has_own_step:
        return "the loss is what the run's own step gives of a batch; it is not told"
    if head.state:  # `model.pth` does not hold it
        return "the loss has weights of its own, which are not kept; it is not told"
    return ""


def _resampled(head: TaskHead, outputs: Tensor, y: Tensor, resamples: int) -> dict[str, Array]:
    """The loss and the metrics on rows that are drawn anew; each (resamples,)."""
    predictions, targets = metric_inputs(head, outputs, y)
    pieces: dict[str, list[Array]] = {name: [] for name in (LOSS, *head.metric_names)}
    for drawn in drawn_rows(len(y), resamples, outputs[0].numel()):
        rows = torch.from_numpy(drawn)
        found = {n: head.metric(n, predictions[rows], targets[rows]) for n in head.metric_names}
        for name, values in {**found, LOSS: _losses(head, outputs[rows], y[rows])}.items():
            pieces[name].append(values.double().numpy())
    return {name: np.concatenate(values) for name, values in pieces.items()}


def _losses(head: TaskHead, outputs: Tensor, y: Tensor) -> Tensor:
    """The loss of each resample, of the losses that tasks list at once, of others one by one.

    Shape:
        outputs (resamples, rows, outputs), y (resamples, rows, …) -> (resamples,)
    """
    with torch.no_grad():
        if (
            not _untold(head)
            and is_ours_or_torchs(head.loss_name)
            and head.loss_name in head.task.losses
        ):
            alone: Tensor = torch.vmap(stackable_loss(head))(outputs, y)
            counts = torch.as_tensor(head.batch_weight(y, stacked=True))
            return torch.where(counts > 0, alone, nan)
        return torch.tensor([_loss(head, *own) for own in zip(outputs, y, strict=True)])


def _notes(
    head: TaskHead,
    whole: Measured,
    by: str | None,
    groups: Mapping[str | None, Measured],
    reasons: Mapping[str, str],
) -> list[str]:
    """Sentences on what could not be told."""
    every = [whole, *groups.values()]
    notes = []
    for name in whole.values:
        if name == LOSS and (why := _untold(head)):
            notes.append(why)
            continue
        undefined = [one for one in every if one.n and isnan(one.values[name])]
        if undefined:
            where = _where(isnan(whole.values[name]), len(undefined), len(groups))
            notes.append(f"{name} is not defined {where}{reasons.get(name.rpartition('/')[2], '')}")
    if by is not None and None in groups:
        column = f"'{printable(by)}'"
        notes.append(
            f"{groups[None].n} of {whole.n} rows have no value in {column}: the last group"
        )
    empty = sum(not one.n for one in groups.values())
    if empty:
        notes.append(f"{empty} of {len(groups)} groups have no row with a label")
    without = [
        name
        for name in whole.values
        if any(one.intervals[name] is None and not isnan(one.values[name]) for one in every)
    ]
    if without:
        notes.append(
            f"no interval where {_either(without)} is the same on all rows drawn anew, or is "
            "defined on too few of them"
        )
    return notes


def _where(of_all: bool, number: int, groups: int) -> str:
    if not groups:
        return "on these rows"
    return f"in {number - of_all} of {groups} groups" + (" and on all rows" if of_all else "")


def _either(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
