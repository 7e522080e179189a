"""Which training row holds NaN or an infinite number, where a run diverged by it.

It is looked for once a run has diverged, in the batch of that step, so that no other run pays.
"""

from contextlib import suppress
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Subset

from seedbed.data.custom_rows import CustomRows
from seedbed.data.gathered import Ordered
from seedbed.data.nested import Padded, named_tensors
from seedbed.data.row_form import place_of
from seedbed.training.anomaly import not_finite
from seedbed.training.run_components import RunComponents
from seedbed.training.single import LOSSES_IN_FLIGHT


def unfit_input(plan: RunComponents, step: int) -> str:
    """Which row it is, and what it holds: `data.train: Rows[7] gives NaN in x.steps`.

    Args:
        plan: of a run that diverged.
        step: its last, from 1.

    Returns:
        Empty where the inputs are finite, or cannot be read again.
    """
    epoch, update = divmod(step - 1, plan.updates)
    seen_late = 0 if plan.device.type == "cpu" else LOSSES_IN_FLIGHT
    size = plan.config.trainer.accumulate
    first, stop = max(0, update - seen_late) * size, (update + 1) * size
    batches = islice(plan.train.epoch(epoch, first), stop - first)
    with suppress(Exception):  # of any kind: the rows are the user's
        for number, (x, _) in enumerate(batches, first):
            for name, tensor in named_tensors(x.x if isinstance(x, Padded) else x).items():
                if not_finite(tensor):
                    place = _first_row(tensor)
                    what = f"gives {not_finite(tensor[place])} in {place_of(name)}"
                    return f"{_named(plan, epoch, number, place)} {what}"
    return ""


def _first_row(tensor: Tensor) -> int:
    """The first that holds a number which is not finite."""
    is_unfit = ~torch.isfinite(tensor).reshape(len(tensor), -1).all(1)
    return int(is_unfit.nonzero()[0])


def _named(plan: RunComponents, epoch: int, batch: int, place: int) -> str:
    """What a row of a batch is called."""
    if not isinstance(plan.train, Ordered):
        return "a training row"
    rows: Any = plan.data.train
    number = int(plan.train.order(epoch, batch)[place])
    while isinstance(rows, Subset):
        rows, number = rows.dataset, rows.indices[number]
    if isinstance(rows, CustomRows):
        return rows.part.named(rows.numbers[number])
    return f"training row {number + 1}"
