"""The rows of one split of a stream, in blocks, as the model takes them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, TensorDataset

from seedbed.data.preprocessing import Preprocessing
from seedbed.data.seeds import Order
from seedbed.data.streaming.placing import Placing
from seedbed.data.streaming.split_rule import SplitRule
from seedbed.tables.table import Table

if TYPE_CHECKING:
    from seedbed.tables.parquet_stream import ParquetStream


@dataclass(frozen=True)
class Block:
    """Rows that lie together in the files.

    Args:
        start: the first of all.
        stop: after the last.
        rows: those of the split among them.
    """

    start: int
    stop: int
    rows: int


@dataclass
class StreamedRows(Dataset[tuple[Tensor, Tensor]]):
    """The rows of one split.

    Args:
        stream: of all rows.
        preprocessing: of the run.
        blocks: of the files, in their order.
        rule: which rows are of the split; None if all are.
        split: its number.
        memory: bytes that rows of it may take.
    """

    stream: "ParquetStream"
    preprocessing: Preprocessing
    blocks: Sequence[Block]
    rule: SplitRule | None
    split: int
    memory: int
    _read: dict[int, tuple[NDArray[np.float32], NDArray[Any]]] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(block.rows for block in self.blocks)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """A row by its number within the split; its block is kept for the next."""
        at = int(np.searchsorted(self._ends, index, side="right"))
        if at not in self._read:
            self._read = {at: self.block(self.blocks[at])}
        x, y = self._read[at]
        row = index - (int(self._ends[at - 1]) if at else 0)
        return torch.from_numpy(x[row]), torch.as_tensor(y[row])

    def forget(self) -> None:
        """Keeps no block any longer."""
        self._read = {}

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        return np.cumsum([block.rows for block in self.blocks])

    @cached_property
    def _placing(self) -> Placing:
        return Placing(self.preprocessing, self.target_bytes, len(self))

    @property
    def row_bytes(self) -> int:
        """Of the input and the target of a row."""
        return 4 * int(np.prod(self.preprocessing.input_shape)) + self.target_bytes

    @property
    def target_bytes(self) -> int:
        """Of the target of a row."""
        return 8 if self.preprocessing.classes else 4 * self.preprocessing.outputs

    def empty(self, rows: int) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Memory for inputs and targets.

        Torch asks for pages of the usual size, NumPy for the largest. What has to be cleared before
        its first use costs less as such: a virtual machine has most of them at hand.
        """
        made = partial(torch.empty, device="cpu")
        x = made((rows, *self.preprocessing.input_shape), dtype=torch.float32)
        if self.preprocessing.classes:
            return x.numpy(), made(rows, dtype=torch.int64).numpy()
        return x.numpy(), made((rows, self.preprocessing.outputs), dtype=torch.float32).numpy()

    def block(self, block: Block) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """The rows of a block."""
        x, y = self.empty(block.rows)
        self.fill(block, x, y)
        return x, y

    def taken(self, rows: Tensor) -> TensorDataset:
        """A few rows in memory, of which each block is read once.

        Args:
            rows: their numbers, ascending.
        """
        held = [tuple(one.clone() for one in self[int(row)]) for row in rows]
        self.forget()
        x, y = zip(*held, strict=True)
        return TensorDataset(torch.stack(x), torch.stack(y))

    def fill(
        self, block: Block, x: NDArray[np.float32], y: NDArray[Any], places: Order | None = None
    ) -> None:
        """Reads a block into memory that is there.

        Args:
            block: of the files.
            x: takes the inputs.
            y: takes the targets.
            places: the row of `x` and `y` that each takes; None for one after the other.

        Raises:
            DataError: if a file changed, or cannot be read any more.
        """
        start = 0
        for stop, own, table in self._own_tables(block):
            into = slice(start, stop) if places is None else places[start:stop]
            if self._placing.placed(table, x, y, _of_each(own, into, len(table))):
                start = stop
                continue
            table = table.whole()
            targets = self.preprocessing.targets(table)
            _bytes_of_rows(y)[into] = _bytes_of_rows(targets[own])
            for rows, inputs in self.preprocessing.input_blocks(table):
                part = inputs if isinstance(own, slice) else inputs[own[rows]]
                end = start + len(part)
                into = slice(start, end) if places is None else places[start:end]
                _bytes_of_rows(x)[into] = _bytes_of_rows(part)
                start = end

    def _own_tables(self, block: Block) -> Iterator[tuple[int, Any, Table]]:
        """Tables with rows of the split, which these are, and how many there were with them."""
        stop = 0
        for start, table in self._tables(block, in_turn=self._placing.is_ready):
            own = self._own(start, len(table))
            rows = len(table) if isinstance(own, slice) else int(own.sum())
            stop += rows
            if rows:
                yield stop, own, table

    def tables(self, block: Block) -> Iterator[Table]:
        """The rows of a block as they lie in the files, some at a time."""
        for start, table in self._tables(block):
            own = self._own(start, len(table))
            if not isinstance(own, slice):
                table = replace(table.taken(np.flatnonzero(own)), origin=table.origin)
            if len(table):
                yield table

    def _tables(self, block: Block, *, in_turn: bool = False) -> Iterator[tuple[int, Table]]:
        types, (start, stop) = self.preprocessing.types, (block.start, block.stop)
        if block.rows:
            yield from self.stream.tables([*types.kinds], types, start, stop, in_turn=in_turn)

    def _own(self, start: int, rows: int) -> Any:
        if self.rule is None:
            return slice(None)
        own = self.rule.of(start, start + rows) == self.split
        return slice(None) if own.all() else own


def _of_each(own: Any, into: Any, rows: int) -> Order:
    """The place of each row of a table, -1 of those of other splits.

    Args:
        own: which are of the split.
        into: the places of these.
        rows: of the table.

    Shape:
        (rows,)
    """
    own_places = np.arange(into.start, into.stop) if isinstance(into, slice) else into
    if isinstance(own, slice):
        return own_places
    places = np.full(rows, -1)
    places[own] = own_places
    return places


def _bytes_of_rows(rows: NDArray[Any]) -> NDArray[Any]:
    """Rows as one value each, which NumPy moves in half of the time.

    Shape:
        (rows, …) -> (rows,)
    """
    flat = np.ascontiguousarray(rows).reshape(len(rows), -1)
    return flat.view(f"V{flat.itemsize * flat.shape[1]}")[:, 0]
