"""Compiled functions that make inputs of columns in turn, and then write each row to its place.

NumPy passes over memory several times for it, and its bits are those that count: the first rows are
made in both ways and compared, and what the functions cannot take, or refuse, is left to NumPy.
"""

import logging
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.compiler.compilation import Compilation, CompilerError
from seedbed.data.preprocessing import Preprocessing
from seedbed.data.streaming.placed_columns import Inputs, columns_of, functions
from seedbed.tables.table import Table

log = logging.getLogger("seedbed")

TEXT = Path(__file__).with_name("placing.c")

REPAYS = 2**20
"""Rows of a split, from which on compiling, some 0.06 CPU seconds, takes less than it saves."""

WIDEST = 2**12
"""Inputs of a row, at most: some rows lie on the stack."""

LOOKED_AT = 2**14
"""Rows that are made in both ways, at most; all of a table would take 0.1 CPU seconds."""

TILE_VALUES, TILE_ROWS = 2**13, 256
"""Inputs that are made before they are written, about, and rows of them at most."""

Places = NDArray[np.int64]


class Placing:
    """Places the rows of a split; threads may share it.

    Args:
        preprocessing: of the run.
        target_bytes: of a row's targets.
        rows: of the split.
    """

    def __init__(self, preprocessing: Preprocessing, target_bytes: int, rows: int) -> None:
        self.preprocessing = preprocessing
        self._width = sum(one.width for one in preprocessing.features)
        self._target_bytes, self._repays = target_bytes, rows >= REPAYS
        self._library: Any = None
        self._inputs = Inputs(sum(one.categories is None for one in preprocessing.features))
        self._looked, self._looking = False, threading.Lock()

    @property
    def is_ready(self) -> bool:
        """Whether rows are placed by the functions, which take columns one after the other."""
        return self._library is not None

    def placed(self, table: Table, x: NDArray[Any], y: NDArray[Any], places: Places) -> bool:
        """Writes rows to their places; False if that is left to NumPy.

        Args:
            table: of rows.
            x: takes the inputs.
            y: takes the targets.
            places: the row of `x` and `y` that each takes; -1 for one that is left out.

        Raises:
            DataError: for a value that does not fit.
        """
        if not self._looked and self._looking.acquire(blocking=False):
            try:
                self._look(table)
            finally:  # one thread alone waits for a compiler, the others go on
                self._looked = True
                self._looking.release()
        library = self._library
        return library is not None and self._call(library, table, x, y, places)

    def _look(self, table: Table) -> None:
        """Has the functions, where they are there or repay and make rows of a table as NumPy."""
        if self._looked or not 0 < self._width <= WIDEST:
            return
        try:
            compilation = Compilation(text_of(self._width, self._target_bytes))
            path = compilation.wait() if self._repays else compilation.found()
            library = None if path is None else functions(path)
        except (CompilerError, OSError, AttributeError) as err:
            log.debug("streamed rows are placed by NumPy: %s", err)
            return
        if library is None:
            return
        table = table.taken(np.arange(min(len(table), LOOKED_AT)))
        inputs, targets = self.preprocessing.inputs(table), self.preprocessing.targets(table)
        x, y = np.empty_like(inputs), np.empty_like(targets)
        if not self._call(library, table, x, y, np.arange(len(x))):
            return
        if x.tobytes() == inputs.tobytes() and y.tobytes() == targets.tobytes():
            self._library = library
        else:
            log.debug("streamed rows are placed by NumPy: what is compiled has other bits")

    def _call(
        self, library: Any, table: Table, x: NDArray[Any], y: NDArray[Any], places: Places
    ) -> bool:
        rows = len(table)
        with self._inputs.of(rows) as into:
            columns = columns_of(self.preprocessing, table, library.standardize, into)
            if columns is None:
                return False
            targets = np.ascontiguousarray(self.preprocessing.targets(table))
            places = np.ascontiguousarray(places)
            at = [one.ctypes.data for one in (places, targets, x, y)]
            library.place(columns.described, len(columns.described), rows, *at)
        return True


def text_of(width: int, target_bytes: int) -> str:
    """The functions' text in C.

    Args:
        width: inputs of a row.
        target_bytes: of a row's targets.
    """
    rows = max(1, min(TILE_ROWS, TILE_VALUES // width))
    sizes = {"WIDTH": width, "TARGET": target_bytes, "TILE": rows}
    head = "".join(f"#define {name} {size}L\n" for name, size in sizes.items())
    return f"{head}{TEXT.read_text(encoding='ascii')}"
