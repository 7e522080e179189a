"""How many rows go through a model at once."""

from typing import Literal

from seedbed.config.hints import counted
from seedbed.config.schema import LoaderConfig
from seedbed.errors import ConfigError, DataError

BLOCK_BYTES = 8 * 2**20
"""How much of the rows is gathered at once; then split into batches without copying."""

LARGEST: Literal["largest"] = "largest"
"""What `training/largest_batch.py` puts a number in place of, before there are batches."""

BatchSize = int | Literal["auto", "largest"] | None

BATCHES, SMALLEST_BATCH, LARGEST_BATCH = 128, 32, 1024
"""Of `loader.batch_size=auto`: the most batches in an epoch, and the rows in one."""

EVALUATION_ROWS = 4096
"""Largest batch where no gradient is kept, unless the user asked for a larger one."""


def rows_a_batch(batch_size: BatchSize, rows: int) -> int:
    """How many of the training rows make a batch.

    `auto` is a power of two for which an epoch has about a hundred batches, from 32 to 1,024.

    Args:
        batch_size: of the config; None for all.
        rows: to train on.

    Raises:
        ConfigError: if it is `largest`, in place of which there is no number yet.
    """
    if batch_size == LARGEST:
        raise ConfigError(
            "loader.batch_size=largest is looked for by a run on its own; type a number of rows"
        )
    if batch_size == "auto":
        fitting = 1 << max(0, -(-rows // BATCHES) - 1).bit_length()
        batch_size = min(max(fitting, SMALLEST_BATCH), LARGEST_BATCH)
    return min(batch_size or rows, rows)


def batches_of(loader: LoaderConfig, rows: int, limit: int | None) -> int:
    """How many batches an epoch has.

    Args:
        loader: of the run.
        rows: to train on.
        limit: the most; None for all.
    """
    whole, rest = divmod(rows, rows_a_batch(loader.batch_size, rows))
    every = whole + (rest > 0 and not loader.drop_last)
    return every if limit is None else min(every, limit)


def refuse_no_batch(loader: LoaderConfig, rows: int) -> None:
    """Raises DataError if `loader.drop_last` leaves none."""
    size = loader.batch_size
    if loader.drop_last and isinstance(size, int) and rows < size:
        raise DataError(
            f"loader.drop_last=true leaves no batch: {counted(rows, 'row')}, loader.batch_size="
            f"{size}; type loader.drop_last=false or a batch size <= {rows}"
        )


def evaluation_rows(batch_size: BatchSize, row_bytes: int) -> int:
    """How many rows in memory go through a model at once where no gradient is kept.

    It depends on the run alone: a layer may look at the rows together, as batch normalisation
    without running statistics does.

    Args:
        batch_size: the user's; None for all rows.
        row_bytes: of one input.
    """
    within_memory = min(EVALUATION_ROWS, BLOCK_BYTES // max(1, row_bytes))
    if isinstance(batch_size, str):
        batch_size = SMALLEST_BATCH
    return max(batch_size or EVALUATION_ROWS, within_memory)
