"""Batches of a part of the data, in the order that `seeds.py` decides.

Rows in memory are indexed on the device, many batches at a time; a user's own Dataset, or
`loader.num_workers` above 0, goes through a real DataLoader. A batch belongs to the model, which
may write into it: no stored row, and no later batch, shares its memory.
"""

import atexit
import multiprocessing
import os
from collections.abc import Iterator
from itertools import islice
from multiprocessing.process import BaseProcess
from typing import Protocol
from weakref import WeakKeyDictionary

import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset

from seedbed.config.schema import LoaderConfig
from seedbed.data.batch_sizes import BLOCK_BYTES, evaluation_rows, refuse_no_batch
from seedbed.data.generators import generators_seeded
from seedbed.data.orders import RowOrders
from seedbed.data.prepared import Rows
from seedbed.data.seeds import stream_seed
from seedbed.data.shares import Share
from seedbed.data.streaming.rows import StreamedRows
from seedbed.errors import DataError, DeviceError
from seedbed.process import signals, threads
from seedbed.process.forkserver import without_main_module, workers_of_server
from seedbed.process.torch_private import workers_of

Batch = tuple[torch.Tensor, torch.Tensor]

ROWS_AT_ONCE = 2**14
"""Orders are drawn for as many epochs at once as keep below this many rows."""

PRELOADED = ("torch.utils.data", "seedbed.data.batches")
"""Modules that a worker needs which is no fork of this process."""


class Batches(Protocol):
    """What the engine asks of data."""

    rows: int
    batch_size: int

    def __len__(self) -> int:
        """How many batches an epoch has."""
        ...

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from the one numbered `start`, on the device.

        Each is the caller's own; what is written into one changes no stored row.
        """
        ...


class _Ordered:
    """What both kinds share: the order of rows, and how many batches there are."""

    def __init__(
        self,
        rows: int,
        loader: LoaderConfig,
        seed: int,
        limit: int | None,
        most_rows: int = ROWS_AT_ONCE,
    ) -> None:
        refuse_no_batch(loader, rows)
        self.rows = rows
        self.orders = RowOrders(rows, loader, [seed], most_rows, limit=limit)
        self.batch_size = self.orders.batch_size
        self.seed = seed

    def __len__(self) -> int:
        return self.orders.batches

    def order(self, number: int, start: int) -> torch.Tensor:
        """Row numbers still to be visited."""
        return self.orders.of(number)[start * self.batch_size : self.orders.visited]


class TensorBatches(_Ordered):
    """Rows in memory, kept on the device where they fit."""

    def __init__(
        self,
        data: TensorDataset,
        loader: LoaderConfig,
        seed: int,
        device: torch.device,
        limit: int | None = None,
    ) -> None:
        row_bytes = max(1, data.tensors[0][0].nbytes + data.tensors[1][0].nbytes)
        most = min(ROWS_AT_ONCE, BLOCK_BYTES // row_bytes)
        super().__init__(len(data), loader, seed, limit, most)
        home = device if _fits(data, device) else torch.device("cpu")
        self.x, self.y = (tensor.to(home) for tensor in data.tensors)
        self.device = device
        self._gathered: dict[int, Batch] = {}
        self.block = self.batch_size * max(1, BLOCK_BYTES // (row_bytes * self.batch_size))

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """See `Batches`.

        From wherever it starts, each batch lies in memory as in a whole epoch: where it begins, in
        parts of a register, decides how products of it are rounded.
        """
        if start >= len(self):
            return
        orders = self.orders
        if orders.shuffle and orders.epochs_at_once > 1:
            yield from islice(self._split(*self._epoch(number)), start, None)
        elif not orders.shuffle and orders.visited == self.rows:
            parts = islice(self._parts(self.x, self.y), start, None)
            yield from ((x.clone(), y.clone()) for x, y in parts)
        else:
            done, left_out = divmod(start, self.block // self.batch_size)
            for rows in self.order(number, 0).to(self.x.device).split(self.block)[done:]:
                x, y = self.x.index_select(0, rows), self.y.index_select(0, rows)
                yield from islice(self._split(x, y), left_out, None)
                left_out = 0

    def _epoch(self, number: int) -> Batch:
        """The rows of an epoch in its order; for few rows many epochs are gathered at once.

        An epoch is handed out once: whoever asks again gets rows that nobody has written into.
        """
        if number not in self._gathered:
            first, orders = self.orders.block(number)
            visited = self.orders.visited
            rows = orders[:, 0, :visited].reshape(-1).to(self.x.device)
            x, y = self.x.index_select(0, rows), self.y.index_select(0, rows)
            epochs = zip(x.split(visited), y.split(visited), strict=True)
            self._gathered = dict(enumerate(epochs, first))
        return self._gathered.pop(number)

    def _split(self, x: torch.Tensor, y: torch.Tensor) -> Iterator[Batch]:
        """Batches of gathered rows: nobody else reads them, so they are not copied again.

        `.data` gives each a history of its own; autograd would tie the parts of a split together.
        """
        return ((x.data, y.data) for x, y in self._parts(x, y))

    def _parts(self, x: torch.Tensor, y: torch.Tensor) -> Iterator[Batch]:
        if self.x.device != self.device:
            x, y = x.to(self.device, non_blocking=True), y.to(self.device, non_blocking=True)
        return zip(x.split(self.batch_size), y.split(self.batch_size), strict=True)


class LoaderBatches(_Ordered):
    """A Dataset behind a DataLoader with worker processes."""

    def __init__(
        self,
        data: Rows,
        loader: LoaderConfig,
        seed: int,
        device: torch.device,
        limit: int | None = None,
    ) -> None:
        super().__init__(len(data), loader, seed, limit)  # type: ignore[arg-type]
        self.data = data
        self.workers = loader.num_workers
        self.device = device
        if self.workers:
            _refuse_without_shared_memory(self.workers)

    def _started(self, loader: DataLoader[Batch]) -> Iterator[Batch]:
        """Its iterator, with workers that are forks of this process, or of a server's.

        A fork needs no copy of the rows; where this process has threads there can be none.
        """
        if not self.workers or "forkserver" not in multiprocessing.get_all_start_methods():
            return iter(loader)
        safe = threads.may_fork()
        context = multiprocessing.get_context("fork") if safe else workers_of_server(PRELOADED)
        loader.multiprocessing_context = context
        with without_main_module():
            return iter(loader)

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
        read = self._read(number, [part.tolist() for part in own if len(part)])
        none = torch.empty(0, device=self.device)
        for part in own:
            yield next(read) if len(part) else (none, none)
        yield from read  # to its end, where it ends its workers

    def _read(self, number: int, parts: list[list[int]]) -> Iterator[Batch]:
        if not parts:
            return
        loader = DataLoader(
            _Seeded(self.data, stream_seed(self.seed, "rows", number)),
            batch_sampler=parts,
            num_workers=self.workers,
            worker_init_fn=signals.ignored,
            pin_memory=self.device.type == "cuda",
            generator=torch.Generator().manual_seed(stream_seed(self.seed, "loader", number)),
        )
        batches = self._started(loader)
        _at_work.update((worker, os.getpid()) for worker in workers_of(batches))
        try:
            for x, y in batches:
                yield x.to(self.device, non_blocking=True), y.to(self.device, non_blocking=True)
        except DataError as err:  # of a worker: torch puts its traceback before the message
            raise DataError(str(err).rpartition("DataError: ")[2].removesuffix("\\n")) from err
        finally:  # an error keeps them, and the garbage collector waits for each for seconds
            getattr(batches, "_shutdown_workers", lambda: None)()


_at_work: WeakKeyDictionary[BaseProcess, int] = WeakKeyDictionary()
"""The workers of DataLoaders, and the process that started each."""


@atexit.register
def _end_workers() -> None:
    """Ends workers that an error has left, for which Python would wait for half a minute.

    DataLoader's own way to end them does not reach them once the garbage collector has begun.
    """
    for worker, parent in list(_at_work.items()):
        if parent == os.getpid():
            worker.kill()


def _refuse_without_shared_memory(workers: int) -> None:
    """What a DataLoader would end by after the run has begun, with a traceback of its own.

    Raises:
        DeviceError: if processes cannot share memory here, as where `/dev/shm` is read-only.
    """
    try:
        multiprocessing.Lock()
    except (OSError, ImportError) as err:
        why = getattr(err, "strerror", None) or err
        raise DeviceError(
            f"loader.num_workers={workers}: processes cannot share memory here ({why}, as of "
            "/dev/shm); type loader.num_workers=0"
        ) from err


def share_of(batches: Batches, number: int, start: int, share: Share) -> Iterator[Batch]:
    """A rank's rows of each batch of an epoch, which may be none.

    Rows in memory, and those of a stream, are gathered whole; only a Dataset is read in parts.

    Args:
        batches: of all ranks.
        number: of the epoch.
        start: its first batch.
        share: of the rank.
    """
    if isinstance(batches, LoaderBatches):
        return batches.epoch(number, start, share)
    return ((share(x), share(y)) for x, y in batches.epoch(number, start))


class _Seeded(Dataset[Batch]):
    """Gives each row its own random stream, whichever process reads it."""

    def __init__(self, data: Rows, seed: int) -> None:
        self.data = data
        self.seed = seed

    def __getitem__(self, index: int) -> Batch:
        with generators_seeded(stream_seed(self.seed, "row", index)):
            x, y = self.data[index]
        return x, torch.as_tensor(y)


def training_batches(
    data: Rows,
    loader: LoaderConfig,
    seed: int,
    device: torch.device,
    limit: int | None = None,
) -> Batches:
    """Batches of the training rows.

    Args:
        data: the rows.
        loader: how they become batches.
        seed: of the run.
        device: where they are used.
        limit: batches of an epoch; None for all.

    Raises:
        DataError: if `loader.drop_last` leaves none.
    """
    if isinstance(data, TensorDataset) and loader.num_workers == 0:
        return TensorBatches(data, loader, seed, device, limit)
    if isinstance(data, StreamedRows):
        from seedbed.data.streaming.batches import StreamBatches

        return StreamBatches(data, loader, seed, device, limit)
    return LoaderBatches(data, loader, seed, device, limit)


def evaluation_batches(
    data: Rows, loader: LoaderConfig, seed: int, device: torch.device
) -> Batches:
    """Batches of rows that are only looked at: all of them, in the order they stand."""
    if isinstance(data, StreamedRows):
        from seedbed.data.streaming.batches import KeptBatches

        return KeptBatches(data, loader, seed, device)
    row_bytes = data.tensors[0][0].nbytes if isinstance(data, TensorDataset) else BLOCK_BYTES
    size = evaluation_rows(loader.batch_size, row_bytes)
    plain = LoaderConfig(size, shuffle=False, num_workers=loader.num_workers, drop_last=False)
    return training_batches(data, plain, seed, device)


def _fits(data: TensorDataset, device: torch.device) -> bool:
    """Whether the rows take less than half of the device's free memory."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return sum(tensor.nbytes for tensor in data.tensors) < free / 2
