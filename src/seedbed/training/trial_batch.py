"""One batch through a copy of the model and the loss, before anything is trained or written."""

from typing import Any

import torch
from torch import nn

from seedbed.config.hints import counted
from seedbed.data.batches import Batches
from seedbed.data.prepared import Rows
from seedbed.errors import DataError, ModelError, SeedbedError
from seedbed.models.build import output_of
from seedbed.raised import is_of_user, reason
from seedbed.tasks.built_loss import is_ours_or_torchs
from seedbed.tasks.head import TaskHead
from seedbed.training.threads import counting


def try_batch(model: nn.Module, head: TaskHead, rows: Rows, batches: Batches) -> int:
    """Lets the smallest batch that training will see through.

    Args:
        model: a twin, which the batch may change; so is the loss.
        head: likewise.
        rows: of training.
        batches: of these.

    Returns:
        The multiplications in the forward pass of a whole batch, about.

    Raises:
        ModelError: if it does not fit the data, or its output does not fit the loss.
    """
    left = batches.rows - (len(batches) - 1) * batches.batch_size
    size = min(left, batches.batch_size)
    with torch.random.fork_rng(devices=[]):
        samples = [_row(rows, index) for index in range(size)]
        x = torch.stack([sample[0] for sample in samples])
        y = torch.stack([torch.as_tensor(sample[1]) for sample in samples])
        try:
            with counting(model) as count:
                output = output_of(model(x))
        except ModelError:
            raise
        except (Exception, SystemExit) as err:
            raise ModelError(_misfit(err, x)) from err
    wanted = (len(x), head.outputs)
    if is_ours_or_torchs(head.loss_name) and tuple(output.shape) != wanted:
        raise ModelError(
            f"model: forward gives {tuple(output.shape)} for {counted(len(x), 'row')}, the "
            "loss asks for "
            f"{wanted}; leave the last layer's size out to have it inferred"
        )
    try:
        loss = head.loss(output, y)
    except (Exception, SystemExit) as err:
        what = f"raises {reason(err)}" if is_of_user(err) else f"refuses the model's output: {err}"
        raise ModelError(f"loss: {head.loss_name} {what}") from err
    if loss.numel() != 1:
        raise ModelError(
            f"loss: {head.loss_name} gives {loss.numel()} numbers for a batch of {len(x)} "
            "rows, training takes one; type loss.reduction=mean"
        )
    return count() * batches.batch_size // size


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


def _misfit(err: BaseException, x: torch.Tensor) -> str:
    if "more than 1 value per channel" in str(err):
        return (
            "model: batch normalisation cannot train on a batch of one row, and the last one would "
            "be; type loader.drop_last=true, or another loader.batch_size"
        )
    kind = f"{tuple(x.shape)} {str(x.dtype).removeprefix('torch.')}"
    if is_of_user(err):
        return f"model: forward raises {reason(err)}, given a batch of {kind}"
    return (
        f"model does not take the data: a batch of {kind} gives {reason(err)}; "
        "sizes left out of the config are inferred"
    )
