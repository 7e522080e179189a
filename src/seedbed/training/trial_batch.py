"""One batch through a copy of the model and the loss, before anything is trained or written."""

from collections.abc import Sequence, Sized
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from seedbed.config.hints import counted
from seedbed.data.batches import Batches
from seedbed.data.custom_rows import form_of_data
from seedbed.data.nested import Padded, batch_of, nest_of
from seedbed.data.prepared import Rows
from seedbed.data.row_form import Leaf, RowForm, text_of
from seedbed.errors import DataError, ModelError, SeedbedError
from seedbed.models.build import output_of
from seedbed.models.calling import forwarded, refuse_other_call
from seedbed.raised import defined_at, is_of_user, reason
from seedbed.tasks.built_loss import is_ours_or_torchs
from seedbed.tasks.chosen_metrics import try_metrics
from seedbed.tasks.head import TaskHead
from seedbed.training.own_step import OwnStep
from seedbed.training.padding import notes_on_padding
from seedbed.training.threads import counting
from seedbed.training.trial_step import TriedStep, try_step

MOST_ROWS_HELD, MOST_ROWS_READ = 4096, 256
"""That metrics are tried on, of rows in memory and of others."""

SINGLE = RowForm(Leaf(()))
"""Of rows that are one tensor each, whatever its shape."""


class Tried(NamedTuple):
    """What was seen of a batch.

    Args:
        multiplications: in the forward pass of a whole one, about.
        notes: what a person should know.
    """

    multiplications: int
    notes: Sequence[str]


def try_batch(
    model: nn.Module, head: TaskHead, rows: Rows, batches: Batches, measured: Rows | None = None
) -> Tried:
    """Lets the smallest batch that training will see through, and measures some rows.

    Args:
        model: a twin, which the batch may change; so is the loss.
        head: likewise.
        rows: of training.
        batches: of these.
        measured: rows on which metrics are computed, if there are any; see `try_metrics`.

    Raises:
        ModelError: if it does not fit the data, or its output does not fit the loss.
        MetricError: if a metric that the config names cannot be computed.
    """
    size = _smallest(batches)
    with torch.random.fork_rng(devices=[]):
        x, y = _sampled(rows, size)
        refuse_other_call(model, x)
        try:
            with counting(model) as count:
                output = output_of(forwarded(model, x))
        except ModelError:
            raise
        except (Exception, SystemExit) as err:
            raise ModelError(_misfit(err, x)) from err
    wanted = (len(y), head.outputs)
    if is_ours_or_torchs(head.loss_name) and tuple(output.shape) != wanted:
        raise ModelError(
            f"model: forward gives {tuple(output.shape)} for {counted(len(y), 'row')}, the "
            "loss asks for "
            f"{wanted}; leave the last layer's size out to have it inferred"
        )
    try:
        loss = head.loss(output, y)
    except (Exception, SystemExit) as err:
        what = f"raises {reason(err)}" if is_of_user(err) else f"refuses the model's output: {err}"
        raise ModelError(f"loss: {head.loss_name} {what}") from err
    _refuse_form(loss, output, head, model)
    if head.chosen is not None:
        try_metrics(head, output, _some_targets(measured) if measured is not None else y)
    return Tried(count() * batches.batch_size // size, _on_padding(model, x, rows))


def _on_padding(model: nn.Module, x: Any, rows: Rows) -> Sequence[str]:
    return notes_on_padding(model, x, _form_of(rows)) if isinstance(x, Padded) else []


def _form_of(rows: Rows) -> RowForm:
    return form_of_data(rows) or SINGLE


def _refuse_form(loss: Any, output: Tensor, head: TaskHead, model: nn.Module) -> None:
    """Refuses what no training can go by.

    Args:
        loss: of the batch, whatever the loss gave.
        output: of the model.
        head: the task's.
        model: that is trained.

    Raises:
        ModelError: naming the loss, and the line of a user's own.
    """
    function = getattr(head.loss_function, "function", head.loss_function)
    told = f"loss: {head.loss_name} gives"
    if not isinstance(loss, Tensor):
        kind = "nothing" if loss is None else f"a {type(loss).__name__}"
        raise ModelError(
            f"{told} {kind}, training takes one number, a tensor{defined_at(function)}"
        )
    if loss.is_complex():
        raise ModelError(f"{told} a complex number, and none is less{defined_at(function)}")
    if loss.numel() != 1:
        hint = "return their mean" if defined_at(function) else "type loss.reduction=mean"
        raise ModelError(
            f"{told} {loss.numel()} numbers for a batch of {counted(len(output), 'row')}, training "
            f"takes one; {hint}{defined_at(function)}"
        )
    learns = any(one.requires_grad for one in [*model.parameters(), *head.trainable])
    if loss.requires_grad or not learns:
        return
    if output.requires_grad:
        raise ModelError(
            f"{told} a number without a gradient, so that nothing could learn from it; compute it "
            f"of the outputs with torch, without .item(), .detach() or NumPy{defined_at(function)}"
        )
    raise ModelError(
        f"model: forward of {type(model).__name__} gives an output without a gradient, so that "
        "nothing could learn from it; compute it with torch, without .detach() or torch.no_grad()"
        f"{defined_at(type(model))}"
    )


def _some_targets(rows: Rows) -> Tensor:
    """Of all rows, or of some that are spread evenly over them."""
    if isinstance(rows, TensorDataset):
        y = rows.tensors[1]
        return y[:: -(-len(y) // MOST_ROWS_HELD)]
    number = len(cast(Sized, rows))
    step = -(-number // MOST_ROWS_READ)
    return torch.stack([torch.as_tensor(_row(rows, at)[1]) for at in range(0, number, step)])


def try_own_step(
    step: OwnStep, model: nn.Module, rows: Rows, batches: Batches, measured: Rows | None = None
) -> tuple[Tried, TriedStep]:
    """As `try_batch`, where a step of the user's own makes the loss; and what it gives.

    Raises:
        OwnCodeError: see `try_step`.
        MetricError: if a metric that the config names cannot be computed.
    """
    size = _smallest(batches)
    with torch.random.fork_rng(devices=[]):
        x, y = _sampled(rows, size)
        with counting(model) as count:
            tried = try_step(step, model, x, y)
    if step.head.chosen is not None and tried.output is not None:
        try_metrics(step.head, tried.output, _some_targets(measured) if measured is not None else y)
    passes = 3  # in training, in evaluation, and on its own
    notes = _on_padding(model, x, rows) if not tried.misfit else []
    return Tried(count() // passes * batches.batch_size // size, notes), tried


def _smallest(batches: Batches) -> int:
    """Rows of the smallest batch that training will see."""
    left = batches.rows - (len(batches) - 1) * batches.batch_size
    return min(left, batches.batch_size)


def _sampled(rows: Rows, size: int) -> tuple[Any, Tensor]:
    samples = [_row(rows, index) for index in range(size)]
    x = batch_of(_form_of(rows), [sample[0] for sample in samples])
    return x, torch.stack([torch.as_tensor(sample[1]) for sample in samples])


def _row(rows: Rows, index: int) -> Any:
    """A row, as a Dataset of the user's own gives it once more.

    Raises:
        DataError: if it raises, or ends the process.
    """
    try:
        return rows[index]
    except SeedbedError:
        raise
    except (Exception, SystemExit) as err:  # of any kind: the class is the user's
        raise DataError(f"data.train: row {index + 1} raises {reason(err)}") from err


def _misfit(err: BaseException, x: Any) -> str:
    if "more than 1 value per channel" in str(err):
        return (
            "model: batch normalisation cannot train on a batch of one row, and the last one would "
            "be; type loader.drop_last=true, or another loader.batch_size"
        )
    kind = text_of(nest_of(x.x if isinstance(x, Padded) else x))
    if is_of_user(err):
        return f"model: forward raises {reason(err)}, given a batch of {kind}"
    return (
        f"model does not take the data: a batch of {kind} gives {reason(err)}; "
        "sizes left out of the config are inferred"
    )
