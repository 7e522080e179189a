"""A compiled function that makes inputs of columns, and writes each row to its place, in one pass.

NumPy passes over memory several times for it, and its bits are those that count: the first rows are
made in both ways and compared, and what the function cannot take, or refuses, is left to NumPy.
"""

import ctypes
import logging
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.compiler.compilation import Compilation, CompilerError
from seedbed.data.preprocessing import Preprocessing
from seedbed.data.streaming.placed_columns import columns_of
from seedbed.tables.table import Table

log = logging.getLogger("seedbed")

TEXT = Path(__file__).with_name("placing.c")

REPAYS = 2**20
"""Rows of a split, from which on compiling, some 0.06 CPU seconds, takes less than it saves."""

WIDEST = 2**12
"""Inputs of a row, at most: some rows lie on the stack."""

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
        self._function: Any = None
        self._looked, self._looking = False, threading.Lock()

    def placed(
        self, table: Table, targets: NDArray[Any], x: NDArray[Any], y: NDArray[Any], places: Places
    ) -> bool:
        """Writes rows to their places; False if that is left to NumPy.

        Args:
            table: of rows.
            targets: of these.
            x: takes the inputs.
            y: takes the targets.
            places: the row of `x` and `y` that each takes; -1 for one that is left out.

        Raises:
            DataError: for a value that does not fit.
        """
        if not self._looked and self._looking.acquire(blocking=False):
            try:
                self._look(table, targets)
            finally:  # one thread alone waits for a compiler, the others go on
                self._looked = True
                self._looking.release()
        function = self._function
        return function is not None and self._call(function, table, targets, x, y, places)

    def _look(self, table: Table, targets: NDArray[Any]) -> None:
        """Has the function, where it is there or repays, and makes the rows of a table as NumPy."""
        if self._looked or not 0 < self._width <= WIDEST:
            return
        try:
            compilation = Compilation(text_of(self._width, self._target_bytes))
            path = compilation.wait() if self._repays else compilation.found()
            function = None if path is None else ctypes.CDLL(str(path)).place
        except (CompilerError, OSError, AttributeError) as err:
            log.debug("streamed rows are placed by NumPy: %s", err)
            return
        inputs = self.preprocessing.inputs(table)
        x, y = np.empty_like(inputs), np.empty_like(targets)
        if function is None or not self._call(function, table, targets, x, y, np.arange(len(x))):
            return
        if x.tobytes() == inputs.tobytes() and y.tobytes() == targets.tobytes():
            self._function = function
        else:
            log.debug("streamed rows are placed by NumPy: what is compiled has other bits")

    def _call(
        self,
        function: Any,
        table: Table,
        targets: NDArray[Any],
        x: NDArray[Any],
        y: NDArray[Any],
        places: Places,
    ) -> bool:
        columns = columns_of(self.preprocessing, table)
        if columns is None:
            return False
        places, targets = np.ascontiguousarray(places), np.ascontiguousarray(targets)
        rows = ctypes.c_long(len(table))
        at = (ctypes.c_void_p(one.ctypes.data) for one in (places, targets, x, y))
        return bool(function(columns.described, columns.many, rows, *at))


def text_of(width: int, target_bytes: int) -> str:
    """The function's text in C.

    Args:
        width: inputs of a row.
        target_bytes: of a row's targets.
    """
    rows = max(1, min(TILE_ROWS, TILE_VALUES // width))
    sizes = {"WIDTH": width, "TARGET": target_bytes, "TILE": rows}
    head = "".join(f"#define {name} {size}L\n" for name, size in sizes.items())
    return f"{head}{TEXT.read_text(encoding='ascii')}"
