"""The one DataLoader that reads the rows of all splits of a run, and its worker processes.

A row is asked for with the seed that it is read under, so that any worker, however old, gives the
row of that epoch. While a run trains, the workers are the same in every epoch and for every split.
"""

import atexit
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch.utils.data import DataLoader, Dataset

from seedbed.config.schema import LoaderConfig
from seedbed.data.custom_rows import form_of_data
from seedbed.data.generators import generators_seeded, holds_a_generator
from seedbed.data.nested import Collation, mapped
from seedbed.data.seeds import stream_seed
from seedbed.errors import DataError, DeviceError, RunFailedError
from seedbed.process import signals, threads
from seedbed.process.forkserver import end_with_owner, without_main_module, workers_of_server
from seedbed.process.torch_private import workers_of

Batch = tuple[Any, torch.Tensor]

PRELOADED = ("torch.utils.data", "seedbed.data.batches")
"""Modules that a worker needs which is no fork of this process."""


LOST_WORKER = "DataLoader worker (pid"
"""How torch begins what it says of a worker that is gone."""


class _Asked(NamedTuple):
    """A row that is to be read.

    Args:
        split: its number among those that were added.
        seed: of the epoch.
        row: its number.
    """

    split: int
    seed: int
    row: int


class _SeededRows(Dataset[Batch]):
    """Gives each row its own random stream, whichever process reads it."""

    def __init__(self, splits: Sequence[Any]) -> None:
        self.splits = splits

    def __getitem__(self, asked: _Asked) -> Batch:
        split, seed, row = asked
        with generators_seeded(stream_seed(seed, "row", row)):
            x, y = self.splits[split][row]
        return x, torch.as_tensor(y)


class _Parts:
    """The rows of each batch that is read next."""

    batches: Sequence[Sequence[_Asked]] = ()

    def __iter__(self) -> Iterator[Sequence[_Asked]]:
        return iter(self.batches)


class RowLoader:
    """Reads rows of a user's own Dataset, or of any with `loader.num_workers` above 0.

    Args:
        loader: of the run.
        seed: of the run.
        device: where batches go.
    """

    def __init__(self, loader: LoaderConfig, seed: int, device: torch.device) -> None:
        self.loader, self.seed, self.device = loader, seed, device
        self.pins = device.type == "cuda" and loader.pin_memory is not False
        self._splits: list[Any] = []
        self._parts = _Parts()
        self._lasting: DataLoader[Batch] | None = None
        self._lasts = self._is_read = False

    def add(self, rows: Any) -> int:
        """Takes in the rows of a split, and gives it a number."""
        self._splits.append(rows)
        return len(self._splits) - 1

    @contextmanager
    def lasting(self) -> Iterator[None]:
        """Workers that are started inside work until its end, unless the config has new ones."""
        self._lasts = self.loader.num_workers > 0 and self._may_last()
        try:
            yield
        finally:
            self._lasts = False
            self.end()

    def _may_last(self) -> bool:
        """Those of a Dataset with a generator of its own would give a resumed run other rows."""
        asked = self.loader.persistent_workers
        return asked if asked is not None else not any(map(holds_a_generator, self._splits))

    def end(self) -> None:
        """Ends the workers that last; reading starts others."""
        if self._lasting is not None:
            _end_workers_of(self._lasting._iterator)
            self._lasting = None

    def read(self, split: int, epoch: int, batches: Sequence[Sequence[int]]) -> Iterator[Batch]:
        """Batches of rows.

        Args:
            split: its number.
            epoch: whose random numbers the rows draw.
            batches: the rows of each.

        Raises:
            DataError: of a row that cannot be used.
        """
        if not batches:
            return
        seed = stream_seed(self.seed, "rows", epoch)
        asked = [[_Asked(split, seed, row) for row in batch] for batch in batches]
        if self._lasts and not self._is_read:  # who reads two splits in turns has two loaders
            self._is_read = True
            try:
                yield from self._read_lasting(split, epoch, asked)
            finally:
                self._is_read = False
            return
        begun = self._begun(self._loader(asked, epoch, lasts=False))
        try:
            yield from self._on_device(begun)
        finally:  # an error keeps them, and the garbage collector waits for each for seconds
            _end_workers_of(begun)

    def _read_lasting(
        self, split: int, epoch: int, asked: Sequence[Sequence[_Asked]]
    ) -> Iterator[Batch]:
        """As `read`, by workers that are there, or last from now on."""
        if self._lasting is not None and split >= len(self._lasting.dataset.splits):  # type: ignore[attr-defined]
            self.end()
        self._parts.batches = asked
        if self._lasting is None:
            self._lasting = self._loader(self._parts, epoch, lasts=True)
        try:
            begun = self._begun(self._lasting)
            yield from self._on_device(begun)
        except GeneratorExit:  # whoever stops reading may read on elsewhere
            raise
        except BaseException:
            self.end()
            raise

    def _loader(self, parts: Any, epoch: int, *, lasts: bool) -> DataLoader[Batch]:
        form = form_of_data(self._splits[0])
        return DataLoader(
            _SeededRows([*self._splits]),
            batch_sampler=parts,
            collate_fn=None if form is None or form.is_single else Collation(form),
            num_workers=self.loader.num_workers,
            worker_init_fn=_begin_worker,
            pin_memory=self.pins,
            prefetch_factor=self.loader.prefetch_factor,
            persistent_workers=lasts,
            generator=torch.Generator().manual_seed(stream_seed(self.seed, "loader", epoch)),
        )

    def _begun(self, loader: DataLoader[Batch]) -> Iterator[Batch]:
        """Its iterator, with workers that are forks of this process, or of a server's.

        A fork needs no copy of the rows; where this process has threads there can be none.
        """
        at_work = loader._iterator is not None
        if not self.loader.num_workers or at_work or "forkserver" not in _start_methods():
            return _noted(iter(loader))
        safe = threads.may_fork()
        context = multiprocessing.get_context("fork") if safe else workers_of_server(PRELOADED)
        loader.multiprocessing_context = context
        with without_main_module():
            return _noted(iter(loader))

    def _moved(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(self.device, non_blocking=True)

    def _on_device(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        try:
            for x, y in batches:
                yield mapped(self._moved, x), self._moved(y)
        except DataError as err:  # of a worker: torch puts its traceback before the message
            raise DataError(str(err).rpartition("DataError: ")[2].removesuffix("\\n")) from err
        except RuntimeError as err:
            if not str(err).startswith(LOST_WORKER):
                raise
            raise RunFailedError(
                f"loader.num_workers={self.loader.num_workers}: a process that reads rows was "
                "killed, as where memory is short, or ended itself "
                f"({' '.join(str(err).split())}); type seedbed resume RUN, with "
                "loader.num_workers=0 to read without such processes"
            ) from err


def pinning_notes(loader: LoaderConfig, device: torch.device) -> Sequence[str]:
    """What a person is told of `loader.pin_memory`."""
    if loader.pin_memory is True and device.type != "cuda":
        return [f"loader.pin_memory=true changes nothing on {device.type}; cuda copies from it"]
    return []


_at_work: WeakKeyDictionary[BaseProcess, int] = WeakKeyDictionary()
"""The workers of DataLoaders, and the process that started each."""


def _start_methods() -> Sequence[str]:
    return multiprocessing.get_all_start_methods()


def _begin_worker(_: int) -> None:
    """In a worker: it ends when it is told to, or when nobody is left to tell it."""
    signals.ignored()
    end_with_owner()


def _noted(batches: Iterator[Batch]) -> Iterator[Batch]:
    _at_work.update((worker, os.getpid()) for worker in workers_of(batches))
    return batches


def _end_workers_of(batches: object) -> None:
    getattr(batches, "_shutdown_workers", lambda: None)()


@atexit.register
def _end_workers() -> None:
    """Ends workers that an error has left, for which Python would wait for half a minute.

    DataLoader's own way to end them does not reach them once the garbage collector has begun.
    """
    for worker, parent in list(_at_work.items()):
        if parent == os.getpid():
            worker.kill()


def refuse_without_shared_memory(workers: int) -> None:
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
