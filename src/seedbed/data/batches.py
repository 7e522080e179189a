"""Batches of a part of the data, in the order that `seeds.py` decides.

Rows in memory are indexed on the device, many batches at a time; a user's own Dataset, or
`loader.num_workers` above 0, goes through a real DataLoader. A batch belongs to the model, which
may write into it: no stored row, and no later batch, shares its memory.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, Protocol

import torch
from torch.utils.data import TensorDataset

from seedbed.config.schema import LoaderConfig
from seedbed.data.batch_sizes import BLOCK_BYTES, evaluation_rows
from seedbed.data.buckets import buckets_of
from seedbed.data.custom_rows import form_of_data, lengths_of_data
from seedbed.data.gathered import BatchSpec, GatheredBatches, Ordered
from seedbed.data.images.rows import ImageRows
from seedbed.data.nested import mapped, zeros
from seedbed.data.npy.rows import NpyRows
from seedbed.data.packing import PackedRows
from seedbed.data.prepared import Rows
from seedbed.data.row_loader import RowLoader, refuse_without_shared_memory
from seedbed.data.seeds import Order
from seedbed.data.shares import Share
from seedbed.data.streaming.rows import StreamedRows

Batch = tuple[Any, torch.Tensor]
"""Inputs, which are one tensor or several in tuples and mappings, and targets."""


class Batches(Protocol):
    """What the engine asks of data."""

    rows: int
    batch_size: int
    in_pieces: bool
    """Whether never more than a batch of outputs is held where the rows are measured."""

    def __len__(self) -> int:
        """How many batches an epoch has."""
        ...

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from the one numbered `start`, on the device.

        Each is the caller's own; what is written into one changes no stored row.
        """
        ...


class TensorBatches(GatheredBatches):
    """Rows in memory, kept on the device where they fit."""

    def __init__(self, data: TensorDataset, spec: BatchSpec, buckets: Order | None = None) -> None:
        row_bytes = data.tensors[0][0].nbytes + data.tensors[1][0].nbytes
        super().__init__(len(data), row_bytes, spec, buckets)
        self.home = spec.device if _fits(data, spec.device) else torch.device("cpu")
        self.x, self.y = (tensor.to(self.home) for tensor in data.tensors)

    def gathered(self, rows: torch.Tensor) -> Batch:
        """See `GatheredBatches`."""
        return self.x.index_select(0, rows), self.y.index_select(0, rows)

    def in_order(self, start: int) -> Iterator[Batch]:
        """See `GatheredBatches`."""
        parts = islice(self.parts(self.x, self.y), start, None)
        return ((x.clone(), y.clone()) for x, y in parts)


class PackedBatches(TensorBatches):
    """Rows of several tensors, or of unequal length, in memory."""

    def __init__(self, data: PackedRows, spec: BatchSpec) -> None:
        super().__init__(data, spec, _buckets(data, spec.loader))
        self.packing = data.packing

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """See `Batches`."""
        return ((self.packing.trimmed(x), y) for x, y in super().epoch(number, start))


def _buckets(data: Rows, loader: LoaderConfig) -> Order | None:
    number = loader.buckets
    return None if number is None else buckets_of(lengths_of_data(data), number)


class LoaderBatches(Ordered):
    """Rows that a DataLoader reads.

    Args:
        data: the rows.
        spec: how they become batches.
        reader: of all splits of the run; None for one of its own.
    """

    def __init__(self, data: Rows, spec: BatchSpec, reader: RowLoader | None = None) -> None:
        rows, loader = len(data), spec.loader  # type: ignore[arg-type]
        super().__init__(rows, spec, buckets=_buckets(data, loader))
        self.form = form_of_data(data)
        self.reader = reader or RowLoader(loader, spec.seed, spec.device)
        self.split = self.reader.add(data)
        if loader.num_workers:
            refuse_without_shared_memory(loader.num_workers)

    def epoch(self, number: int, start: int = 0, share: Share | None = None) -> Iterator[Batch]:
        """See `Batches`.

        Args:
            number: of the epoch.
            start: its first batch.
            share: of each batch, which alone is read; None for all of it.
        """
        if start >= len(self):
            return
        parts = self.order(number, start).split(self.batch_size)
        own = [part if share is None else share(part) for part in parts]
        read = self.reader.read(self.split, number, [part.tolist() for part in own if len(part)])
        for part in own:
            yield next(read) if len(part) else self._nothing()
        yield from read  # to its end, where it ends workers that do not last

    def _nothing(self) -> Batch:
        """Of a share without rows."""
        none = torch.empty(0, device=self.device)
        if self.form is None or self.form.is_default:
            return none, none
        return mapped(lambda one: one.to(self.device), zeros(self.form, 0)), none


def share_of(batches: Batches, number: int, start: int, share: Share) -> Iterator[Batch]:
    """A rank's rows of each batch of an epoch, which may be none.

    Rows in memory, and those of a stream, are gathered whole; a Dataset and images are read in
    parts.

    Args:
        batches: of all ranks.
        number: of the epoch.
        start: its first batch.
        share: of the rank.
    """
    from seedbed.data.images.batches import ImageBatches  # of images and of ranks alone

    if isinstance(batches, LoaderBatches | ImageBatches):
        return batches.epoch(number, start, share)
    return ((mapped(share, x), share(y)) for x, y in batches.epoch(number, start))


def training_batches(
    data: Rows,
    loader: LoaderConfig,
    seed: int,
    device: torch.device,
    limit: int | None = None,
    reader: RowLoader | None = None,
) -> Batches:
    """Batches of the training rows.

    Args:
        data: the rows.
        loader: how they become batches.
        seed: of the run.
        device: where they are used.
        limit: batches of an epoch; None for all.
        reader: of all splits of the run; None for one of its own.

    Raises:
        DataError: if `loader.drop_last` leaves none.
    """
    spec = BatchSpec(loader, seed, device, limit)
    if isinstance(data, PackedRows) and loader.num_workers == 0:
        return PackedBatches(data, spec)
    if isinstance(data, TensorDataset) and loader.num_workers == 0:
        return TensorBatches(data, spec)
    if isinstance(data, ImageRows):
        from seedbed.data.images.batches import ImageBatches

        return ImageBatches(data, spec)
    if isinstance(data, StreamedRows):
        from seedbed.data.streaming.batches import StreamBatches

        return StreamBatches(data, spec)
    if isinstance(data, NpyRows) and loader.num_workers == 0:
        from seedbed.data.npy.batches import NpyBatches

        return NpyBatches(data, spec)
    return LoaderBatches(data, spec, reader)


def evaluation_batches(
    data: Rows,
    loader: LoaderConfig,
    seed: int,
    device: torch.device,
    reader: RowLoader | None = None,
    size: int | None = None,
) -> Batches:
    """Batches of rows that are only looked at: all of them, in the order they stand.

    Arguments as `training_batches`; `size` is that of each, or None for what is computed fastest.
    """
    is_streamed, row_bytes = isinstance(data, StreamedRows), BLOCK_BYTES
    if isinstance(data, TensorDataset) and not isinstance(data, PackedRows):
        row_bytes = data.tensors[0][0].nbytes
    elif isinstance(data, ImageRows | NpyRows | StreamedRows):
        row_bytes = data.row_bytes
    asked = 1 if is_streamed and loader.batch_size is None else loader.batch_size
    size = size or evaluation_rows(asked, row_bytes)
    plain = replace(loader, batch_size=size, shuffle=False, drop_last=False, buckets=None)
    if isinstance(data, StreamedRows):
        from seedbed.data.streaming.batches import KeptBatches

        return KeptBatches(data, BatchSpec(plain, seed, device))
    return training_batches(data, plain, seed, device, reader=reader)


def _fits(data: TensorDataset, device: torch.device) -> bool:
    """Whether the rows take less than half of the device's free memory."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return sum(tensor.nbytes for tensor in data.tensors) < free / 2
