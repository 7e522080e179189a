"""Batches of rows that are read while they are trained on, or looked at.

In training, blocks are read in the order that (seed, epoch) gives them, as many as the memory
holds, and their rows mixed. A batch is told by its number, so that an epoch goes on anywhere.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from itertools import accumulate
from typing import Any

import torch

from seedbed.config.schema import LoaderConfig
from seedbed.data.batch_sizes import batches_of, refuse_no_batch, rows_a_batch
from seedbed.data.gathered import Batch, BatchSpec
from seedbed.data.streaming.blocks import BUFFERS, Mix, capacity, epoch_order, mixes, order_within
from seedbed.data.streaming.buffers import Arrays, Buffers
from seedbed.data.streaming.rows import Block, StreamedRows
from seedbed.errors import ConfigError
from seedbed.process.priority import give_way_to_others

Task = Callable[[], Any]


class StreamBatches:
    """See `Batches`.

    Args:
        data: rows of a split.
        spec: how they become batches; `loader.num_workers` are threads that read ahead, which
            changes no batch.

    Raises:
        ConfigError: if a batch does not fit into the memory for rows.
        DataError: if `loader.drop_last` leaves none.
    """

    in_pieces = True

    def __init__(self, data: StreamedRows, spec: BatchSpec) -> None:
        self.data, self.seed, self.device = data, spec.seed, spec.device
        self.rows, loader = len(data), spec.loader
        self.shuffle, self.workers = loader.shuffle, loader.num_workers
        self.most = capacity(data.memory, data.row_bytes)
        refuse_no_batch(loader, self.rows)
        self._refuse_large(loader)
        self.batch_size = rows_a_batch(loader.batch_size, self.rows)
        self.batches = batches_of(loader, self.rows, spec.limit)
        self._buffers = Buffers(data.empty, min(self.most, self.rows))

    def _refuse_large(self, loader: LoaderConfig) -> None:
        size = loader.batch_size
        if size is None:
            raise ConfigError(
                "loader.batch_size=null makes one batch of all rows, which data.stream=true never "
                "holds at once; type a number of rows, such as loader.batch_size=1024"
            )
        if isinstance(size, int) and min(size, self.rows) > self.most:
            least = size * self.data.row_bytes * BUFFERS / 1e9
            raise ConfigError(
                f"loader.batch_size={size}: data.memory holds {self.most} rows at a time; type a "
                f"smaller batch, or data.memory='{least:.3g} GB'"
            )

    def __len__(self) -> int:
        return self.batches

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """See `Batches`."""
        if start >= self.batches:
            return
        self.data.forget()
        rows = self._mixed(number, start) if self.shuffle else self._in_order(start)
        stop = min(self.batches * self.batch_size, self.rows)
        for x, y in _batches(rows, self.batch_size, stop - start * self.batch_size):
            yield x.to(self.device, non_blocking=True), y.to(self.device, non_blocking=True)

    def mixes(self, epoch: int) -> list[Mix]:
        """What is mixed in an epoch, in turn."""
        counts = [block.rows for block in self.data.blocks]
        return mixes(counts, self.most, epoch_order(self.seed, epoch, len(counts)))

    def _mixed(self, epoch: int, start: int) -> Iterator[Batch]:
        """Rows in the order of their visit from a batch on, many at a time."""
        found = self.mixes(epoch)
        begins = [0, *accumulate(mix.rows for mix in found)]
        left_out = start * self.batch_size
        at = next(index for index in range(len(found)) if begins[index + 1] > left_out)
        with _readers(self.workers) as submit:
            coming = self._mix(found[at], epoch, submit)
            for index in range(at, len(found)):
                x, y = map(torch.from_numpy, coming())
                skipped = max(0, left_out - begins[index])
                first = skipped + self.batch_size
                yield x[skipped:first], y[skipped:first]  # then nobody holds the mix before
                if index + 1 < len(found) and self.workers:
                    coming = self._mix(found[index + 1], epoch, submit)
                yield x[first:], y[first:]
                del x, y
                if index + 1 < len(found) and not self.workers:
                    coming = self._mix(found[index + 1], epoch, submit)

    def _mix(self, mix: Mix, epoch: int, submit: Callable[[Task], Task]) -> Callable[[], Arrays]:
        """Begins to read the blocks of a mix; what is returned waits for the last of them.

        Each row is written to its place in the order at once, so that a batch is a slice.
        """
        x, y = self._buffers.take(mix.rows)
        blocks = [self.data.blocks[number] for number in sorted(mix.blocks)]
        ends = accumulate(block.rows for block in blocks)
        order = submit(partial(order_within, self.seed, epoch, mix))

        def filled(block: Block, end: int) -> None:
            self.data.fill(block, x, y, order()[end - block.rows : end])

        waiting = [
            submit(partial(filled, block, end)) for block, end in zip(blocks, ends, strict=True)
        ]

        def ready() -> Arrays:
            for one in waiting:
                one()
            return x, y

        return ready

    def _in_order(self, start: int) -> Iterator[Batch]:
        """Rows as they lie in the files from a batch on, a block at a time."""
        left_out = start * self.batch_size
        ends = list(accumulate(block.rows for block in self.data.blocks))
        blocks = [(b, e) for b, e in zip(self.data.blocks, ends, strict=True) if e > left_out]
        with _readers(self.workers) as submit:
            waiting: deque[Callable[[], Any]] = deque()
            for block, end in blocks:
                skipped = max(0, left_out - (end - block.rows))
                waiting.append(submit(partial(self._part, block, skipped)))
                if len(waiting) > min(1, self.workers):
                    yield waiting.popleft()()
            while waiting:
                yield waiting.popleft()()

    def _part(self, block: Block, skipped: int) -> Batch:
        x, y = self.data.block(block)
        return torch.from_numpy(x[skipped:]), torch.from_numpy(y[skipped:])


class KeptBatches(StreamBatches):
    """Rows that are only looked at, as they lie in the files; few are kept once they were read."""

    def __init__(self, data: StreamedRows, spec: BatchSpec) -> None:
        super().__init__(data, spec)
        self._keeps = 2 * BUFFERS * self.rows * data.row_bytes <= data.memory
        self._kept: list[Batch] | None = None

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """See `Batches`."""
        if self._kept is not None:
            yield from ((x.clone(), y.clone()) for x, y in self._kept[start:])
            return
        kept: list[Batch] = []
        for x, y in super().epoch(number, start):
            if self._keeps:
                kept.append((x.clone(), y.clone()))
            yield x, y
        if self._keeps and start == 0:
            self._kept = kept


def _batches(rows: Iterator[Batch], size: int, most: int) -> Iterator[Batch]:
    """Batches of rows that come in pieces of any length, up to so many rows."""
    held: list[Batch] = []
    count = 0
    for x, y in rows:
        x, y = x[:most], y[:most]
        most -= len(x)
        first = min(size - count, len(x))
        whole, last = divmod(len(x) - first, size)
        cuts = [one for one in (first, *[size] * whole, last) if one]
        for part in zip(x.split(cuts), y.split(cuts), strict=True):
            held.append(part)
            count += len(part[0])
            if count == size:
                yield _joined(held)
                held, count = [], 0
        if not most:
            break
    if count:
        yield _joined(held)


def _joined(parts: Sequence[Batch]) -> Batch:
    """One batch; its rows were read or gathered for it, and nobody else reads them."""
    if len(parts) == 1:
        return parts[0][0].data, parts[0][1].data
    x, y = zip(*parts, strict=True)
    return torch.cat(x), torch.cat(y)


@contextmanager
def _readers(workers: int) -> Iterator[Callable[[Task], Task]]:
    """Hands tasks to threads; without any, a task is done when its result is asked for first."""
    if not workers:
        yield cache
        return
    pool = ThreadPoolExecutor(
        workers, thread_name_prefix="seedbed-reader", initializer=give_way_to_others
    )

    def submit(task: Task) -> Task:
        future: Future[Any] = pool.submit(task)
        return future.result

    try:
        yield submit
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
