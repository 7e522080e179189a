"""Rows for trying a model out: a few batches of each part, or a few that are learnt by heart."""

from collections.abc import Sized
from dataclasses import replace
from typing import Any, cast

import torch
from torch.utils.data import Subset, TensorDataset

from seedbed.config.hints import counted
from seedbed.config.schema import RunConfig
from seedbed.data.batch_sizes import rows_a_batch
from seedbed.data.images.rows import ImageRows
from seedbed.data.npy.rows import NpyRows
from seedbed.data.packing import PackedRows
from seedbed.data.prepared import PreparedData, Rows
from seedbed.data.streaming.rows import StreamedRows
from seedbed.errors import DataError


def shortened(data: PreparedData, config: RunConfig) -> PreparedData:
    """The data of a run with `trainer.limit_batches` or `trainer.overfit_batches`.

    With `limit_batches` some rows of each held-out part are measured; the batches of an epoch are
    counted where they are made. With `overfit_batches` some of the training rows are all that there
    is. Both are spread evenly: of rows that were sorted by class, each class is there.

    Args:
        data: prepared for the config.
        config: checked.

    Raises:
        DataError: if no row of those that a part keeps has a weight; their loss would be 0.
    """
    trainer = config.trainer
    if not trainer.is_tried_out:
        return data
    rows = len(cast(Sized, data.train))
    batch = rows_a_batch(config.loader.batch_size, rows)
    few: dict[str, Rows | None]
    if trainer.overfit_batches is not None:
        key = f"trainer.overfit_batches={trainer.overfit_batches}"
        wanted = min(rows, batch * trainer.overfit_batches)
        few = {"train": _some(data.train, wanted), "validation": None, "test": None}
        told = f"trained on {wanted} of {counted(rows, 'row')}, and measured on no others"
    else:
        key = f"trainer.limit_batches={trainer.limit_batches}"
        most = batch * cast(int, trainer.limit_batches)
        few = {"validation": _some(data.validation, most), "test": _some(data.test, most)}
        told = (
            f"so many batches of each epoch, the first of its order, and {counted(most, 'row')} of "
            "each held-out part at most"
        )
    changed: Any = {**few, "notes": [*data.notes, f"{key}: {told}"]}
    return _weighed(replace(data, **changed), key)


def _weighed(data: PreparedData, key: str) -> PreparedData:
    """The data, if rows of every part count in the loss."""
    if data.preprocessing.weight is None:
        return data
    for name in ("train", "validation", "test"):
        part: Rows | None = getattr(data, name)
        y = part.tensors[1] if isinstance(part, TensorDataset) else getattr(part, "y", None)
        if y is not None and not y[:, -1].any():
            raise DataError(
                f"{key} leaves {counted(len(y), 'row')} of the {name} rows, and data.weight="
                f"{data.preprocessing.weight} is 0 in all of them; type a larger number, or a "
                "larger loader.batch_size"
            )
    return data


def _some(part: Rows | None, most: int) -> Rows | None:
    """So many rows of a part, evenly spread; all if it has no more."""
    if part is None or len(cast(Sized, part)) <= most:
        return part
    last = len(cast(Sized, part)) - 1
    rows = torch.linspace(0, last, most, dtype=torch.float64).round().long()
    if isinstance(part, PackedRows | StreamedRows | NpyRows | ImageRows):
        return part.taken(rows)
    if isinstance(part, TensorDataset):
        return TensorDataset(*(tensor[rows] for tensor in part.tensors))
    return Subset(part, rows.tolist())
