"""Batches of a part of the data, in the order that `seeds.py` decides.

Rows in memory are indexed on the device, many batches at a time; a user's own Dataset, or
`loader.num_workers` above 0, goes through a real DataLoader. A batch belongs to the model, which
may write into it: no stored row, and no later batch, shares its memory.
"""

import atexit
import multiprocessing
import os
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from typing import Literal, Protocol
from weakref import WeakKeyDictionary

import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset

from seedbed.config.schema import LoaderConfig
from seedbed.data.generators import generators_seeded
from seedbed.data.prepared import Rows
from seedbed.data.seeds import row_orders, stream_seed
from seedbed.errors import DataError, DeviceError
from seedbed.process import signals, threads
from seedbed.process.forkserver import without_main_module, workers_of_server
from seedbed.process.torch_private import workers_of

Batch = tuple[torch.Tensor, torch.Tensor]

BLOCK_BYTES = 8 * 2**20
"""How much is gathered at once; then split into batches without copying."""

EPOCHS_AT_ONCE, ROWS_AT_ONCE = 64, 2**14
"""Orders are drawn for as many epochs at once as keep below this many rows."""

BatchSize = int | Literal["auto"] | None

BATCHES, SMALLEST_BATCH, LARGEST_BATCH = 128, 32, 1024
"""Of `loader.batch_size=auto`: the most batches in an epoch, and the rows in one."""

PRELOADED = ("torch.utils.data", "seedbed.data.batches")
"""Modules that a worker needs which is no fork of this process."""

EVALUATION_ROWS = 4096
"""Largest batch where no gradient is kept, unless the user asked for a larger one."""


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

    def __init__(self, rows: int, loader: LoaderConfig, seed: int) -> None:
        self.rows = rows
        self.batch_size = rows_a_batch(loader.batch_size, rows)
        self.shuffle = loader.shuffle
        self.drop_last = loader.drop_last
        self.seed = seed
        self.epochs_at_once = max(1, min(EPOCHS_AT_ONCE, ROWS_AT_ONCE // rows))
        self._orders = (-1, torch.empty(0))
        if loader.drop_last and isinstance(loader.batch_size, int) and rows < loader.batch_size:
            raise DataError(
                f"loader.drop_last=true leaves no batch: {rows} rows, loader.batch_size="
                f"{loader.batch_size}; type loader.drop_last=false or a batch size <= {rows}"
            )

    def __len__(self) -> int:
        whole, rest = divmod(self.rows, self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def order(self, number: int, start: int) -> torch.Tensor | None:
        """Row numbers still to be visited, or None for all as they stand."""
        end = len(self) * self.batch_size
        if self.shuffle:
            return self._drawn(number)[start * self.batch_size : end]
        if start == 0 and end >= self.rows:
            return None
        return torch.arange(start * self.batch_size, min(end, self.rows))

    def _drawn(self, number: int) -> torch.Tensor:
        """The order of an epoch; for few rows many epochs are drawn at once, which is faster."""
        block, place = divmod(number, self.epochs_at_once)
        if self._orders[0] != block:
            first, epochs = block * self.epochs_at_once, self.epochs_at_once
            drawn = row_orders(self.seed, first, epochs, self.rows)
            self._orders = (block, torch.from_numpy(drawn))
        return self._orders[1][place]


class TensorBatches(_Ordered):
    """Rows in memory, kept on the device where they fit."""

    def __init__(
        self, data: TensorDataset, loader: LoaderConfig, seed: int, device: torch.device
    ) -> None:
        super().__init__(len(data), loader, seed)
        home = device if _fits(data, device) else torch.device("cpu")
        self.x, self.y = (tensor.to(home) for tensor in data.tensors)
        self.device = device
        self._block: dict[int, Batch] = {}
        row_bytes = max(1, self.x[0].nbytes + self.y[0].nbytes)
        self.epochs_at_once = max(
            1, min(self.epochs_at_once, BLOCK_BYTES // (row_bytes * self.rows))
        )
        self.block = self.batch_size * max(1, BLOCK_BYTES // (row_bytes * self.batch_size))

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """See `Batches`."""
        if start >= len(self):
            return
        if start == 0 and self.shuffle and self.epochs_at_once > 1:
            yield from self._split(*self._gathered(number))
            return
        order = self.order(number, start)
        if order is None:
            yield from ((x.clone(), y.clone()) for x, y in self._parts(self.x, self.y))
            return
        for rows in order.to(self.x.device).split(self.block):
            yield from self._split(self.x.index_select(0, rows), self.y.index_select(0, rows))

    def _gathered(self, number: int) -> Batch:
        """The rows of an epoch in its order; for few rows many epochs are gathered at once.

        An epoch is handed out once: whoever asks again gets rows that nobody has written into.
        """
        if number not in self._block:
            first = number - number % self.epochs_at_once
            self._drawn(number)
            visited = min(len(self) * self.batch_size, self.rows)
            rows = self._orders[1][:, :visited].reshape(-1).to(self.x.device)
            x, y = self.x.index_select(0, rows), self.y.index_select(0, rows)
            epochs = zip(x.split(visited), y.split(visited), strict=True)
            self._block = dict(enumerate(epochs, first))
        return self._block.pop(number)

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

    def __init__(self, data: Rows, loader: LoaderConfig, seed: int, device: torch.device) -> None:
        super().__init__(len(data), loader, seed)  # type: ignore[arg-type]
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

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """See `Batches`."""
        if start >= len(self):
            return
        order = self.order(number, start)
        rows = torch.arange(self.rows) if order is None else order
        loader = DataLoader(
            _Seeded(self.data, stream_seed(self.seed, "rows", number)),
            batch_sampler=[part.tolist() for part in rows.split(self.batch_size)],
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


class _Seeded(Dataset[Batch]):
    """Gives each row its own random stream, whichever process reads it."""

    def __init__(self, data: Rows, seed: int) -> None:
        self.data = data
        self.seed = seed

    def __getitem__(self, index: int) -> Batch:
        with generators_seeded(stream_seed(self.seed, "row", index)):
            x, y = self.data[index]
        return x, torch.as_tensor(y)


def training_batches(data: Rows, loader: LoaderConfig, seed: int, device: torch.device) -> Batches:
    """Batches of the training rows.

    Raises:
        DataError: if `loader.drop_last` leaves none.
    """
    if isinstance(data, TensorDataset) and loader.num_workers == 0:
        return TensorBatches(data, loader, seed, device)
    return LoaderBatches(data, loader, seed, device)


def evaluation_batches(
    data: Rows, loader: LoaderConfig, seed: int, device: torch.device
) -> Batches:
    """Batches of rows that are only looked at: all of them, in the order they stand."""
    row_bytes = data.tensors[0][0].nbytes if isinstance(data, TensorDataset) else BLOCK_BYTES
    size = evaluation_rows(loader.batch_size, row_bytes)
    plain = LoaderConfig(size, shuffle=False, num_workers=loader.num_workers, drop_last=False)
    return training_batches(data, plain, seed, device)


def rows_a_batch(batch_size: BatchSize, rows: int) -> int:
    """How many of the training rows make a batch.

    `auto` is a power of two for which an epoch has about a hundred batches, from 32 to 1,024.

    Args:
        batch_size: of the config; None for all.
        rows: to train on.
    """
    if batch_size == "auto":
        fitting = 1 << max(0, -(-rows // BATCHES) - 1).bit_length()
        batch_size = min(max(fitting, SMALLEST_BATCH), LARGEST_BATCH)
    return min(batch_size or rows, rows)


def evaluation_rows(batch_size: BatchSize, row_bytes: int) -> int:
    """How many rows in memory go through a model at once where no gradient is kept.

    It depends on the run alone: a layer may look at the rows together, as batch normalisation
    without running statistics does.

    Args:
        batch_size: the user's; None for all rows.
        row_bytes: of one input.
    """
    within_memory = min(EVALUATION_ROWS, BLOCK_BYTES // max(1, row_bytes))
    if batch_size == "auto":
        batch_size = SMALLEST_BATCH
    return max(batch_size or EVALUATION_ROWS, within_memory)


def _fits(data: TensorDataset, device: torch.device) -> bool:
    """Whether the rows take less than half of the device's free memory."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return sum(tensor.nbytes for tensor in data.tensors) < free / 2
