"""Predictions for the rows of a large file, in two walks: what the model gives, then what it means.

After the first all is known that may be wrong with the file, and what is to be told of it; the
second has a block of rows in memory, whose predictions are those of the file read whole. Between
them the outputs lie in a temporary file, if they are many.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray

from seedbed.config.task_names import COUNTS, MULTILABEL
from seedbed.data.new_rows import UNKNOWN_NAMES, NewRows
from seedbed.data.row_notes import RowNotes, unknown_names
from seedbed.errors import DataError
from seedbed.tables.column_types import later_tables
from seedbed.tables.table_file import TableFile
from seedbed.views.predict import columns_of, model_outputs, report_of, rows_at_once
from seedbed.views.trained import TrainedModel

HELD_BYTES = 2**26
"""Of outputs, before they go to the disk."""

INPUT_BYTES = 2**24
"""Of inputs, before the model is asked: its threads wait for the next ones, and not asleep."""

BLOCK_ROWS = 2**15
"""Whose predictions become text at once."""


class LargePredictions:
    """What a model says of the rows of a large file.

    Args:
        trained: the model.
        file: of rows, that can be read in blocks.

    Raises:
        DataError: if a block does not fit; what is wrong, and where, `rows_from_file` tells.
    """

    def __init__(self, trained: TrainedModel, file: TableFile) -> None:
        self._trained, self.file, self.rows, self._width = trained, file, 0, 0
        self._outputs = _spool()
        self._unknown: dict[str, int] = {"": 0}  # the place of each text that tells of names
        self._unknown_rows = _spool()
        try:
            self.notes = self._read()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Forgets the outputs."""
        self._outputs.close()
        self._unknown_rows.close()

    def _read(self) -> list[str]:
        """The first walk; what is to be told of the rows."""
        trained, file = self._trained, self.file
        found = RowNotes(trained.preprocessing.features)
        for inputs, unknown in _together(trained, self._blocks(found)):
            outputs = model_outputs(trained, inputs).double().numpy()
            if outputs.ndim != 2:
                raise DataError("a model with outputs of another shape is asked of all rows")
            self._width, self.rows = outputs.shape[1], self.rows + len(outputs)
            self._outputs.write(np.ascontiguousarray(outputs).data)
            self._unknown_rows.write(unknown.data)
        if not self.rows:
            raise DataError(f"{file.key}: '{file.origin}' has no rows")
        return found.told(f"rows of {file.origin}")

    def report(self) -> dict[str, Any]:
        """All predictions, as `predictions` gives them."""
        return report_of(self._trained, self._whole())

    def blocks(self) -> Iterator[Mapping[str, Sequence[Any]]]:
        """Named columns, so many rows at a time."""
        self._unknown_rows.seek(0)
        texts = np.array(list(self._unknown), dtype=object)
        for found in self._found():
            columns = columns_of(self._trained, found)
            if len(texts) > 1:
                places = np.frombuffer(self._unknown_rows.read(4 * len(found)), dtype=np.int32)
                columns[UNKNOWN_NAMES] = texts[places].tolist()
            yield columns

    def _found(self) -> Iterator[torch.Tensor]:
        """What the head makes of the outputs, so many rows at a time."""
        head = self._trained.head
        if (self._width == 1 and head.preprocessing.classes) or head.task.name in (
            COUNTS,
            MULTILABEL,
        ):
            # Last bits of a sigmoid or an exponential depend on where a row stands among all.
            yield from head.predictions(self._whole()).split(BLOCK_ROWS)
            return
        self._outputs.seek(0)
        while content := self._outputs.read(8 * self._width * BLOCK_ROWS):
            yield head.predictions(self._tensor(content))

    def _whole(self) -> torch.Tensor:
        self._outputs.seek(0)
        return self._tensor(self._outputs.read())

    def _tensor(self, content: bytes) -> torch.Tensor:
        values = np.frombuffer(content, dtype=np.float64).reshape(-1, self._width)
        return torch.from_numpy(values.copy())

    def _blocks(self, notes: RowNotes) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int32]]]:
        """Inputs, and the places of the texts that tell of unknown names."""
        preprocessing = self._trained.preprocessing
        features = preprocessing.features
        names = [one.name for one in features]
        for table in later_tables(self.file, names, preprocessing.types):
            unknown = unknown_names(features, table)
            notes.add(table, unknown)
            rows = NewRows(preprocessing.inputs(table), unknown, ())
            yield rows.inputs, self._places(rows)

    def _places(self, rows: NewRows) -> NDArray[np.int32]:
        if not rows.unknown:
            return np.zeros(len(rows.inputs), dtype=np.int32)
        known = self._unknown
        places = [known.setdefault(text, len(known)) for text in rows.unknown_names()]
        return np.array(places, dtype=np.int32)


def _together(
    trained: TrainedModel, blocks: Iterator[tuple[NDArray[np.float32], NDArray[np.int32]]]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int32]]]:
    """The same rows, in blocks of as many as go through the model together, or a multiple."""
    waiting: list[tuple[NDArray[np.float32], NDArray[np.int32]]] = []
    for block in blocks:
        at_once = rows_at_once(trained, block[0][:1].nbytes)
        waiting.append(block)
        rows = sum(len(inputs) for inputs, _ in waiting)
        if rows >= at_once and sum(inputs.nbytes for inputs, _ in waiting) >= INPUT_BYTES:
            inputs, places = (np.concatenate(part) for part in zip(*waiting, strict=True))
            cut = rows - rows % at_once
            yield inputs[:cut], places[:cut]
            waiting = [(inputs[cut:], places[cut:])]
    if waiting and sum(len(inputs) for inputs, _ in waiting):
        inputs, places = (np.concatenate(part) for part in zip(*waiting, strict=True))
        yield inputs, places


def _spool() -> IO[bytes]:
    return tempfile.SpooledTemporaryFile(max_size=HELD_BYTES)
