"""Values between Arrow and NumPy, by their memory.

`pyarrow.array`, `pyarrow.scalar` and NumPy's views of Arrow import pandas where it is installed, to
ask whether a value is one of its own: a fifth of a second and 45 MB that no command needs.
"""

from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def texts(values: Sequence[str | None], kind: Any) -> Any:
    """An Arrow array of text.

    Args:
        values: None for a missing one.
        kind: the type of Arrow, of text.
    """
    encoded = [b"" if one is None else one.encode() for one in values]
    ends = array(
        "q" if pa.types.is_large_string(kind) else "i", accumulate(map(len, encoded), initial=0)
    )
    bitmap = None
    if None in values:
        valid = np.array([one is not None for one in values])
        bitmap = pa.py_buffer(np.packbits(valid, bitorder="little"))
    content = [bitmap, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(kind, len(values), content)


def missing(kind: Any) -> Any:
    """A missing value of a type, as Arrow's functions take it."""
    return pa.nulls(1, kind)[0]


def places(rows: NDArray[np.int64]) -> Any:
    """Numbers of rows as Arrow takes them."""
    content = np.ascontiguousarray(rows, dtype=np.int64)
    return pa.Array.from_buffers(pa.int64(), len(content), [None, pa.py_buffer(content)])


def floats(cells: Any) -> NDArray[np.float64]:
    """Arrow's float64 as NumPy's; missing ones are NaN."""
    return _values(cells, np.float64(np.nan))


def indices(cells: Any) -> NDArray[np.int32]:
    """Arrow's int32, which are places, as NumPy's; -1 for missing ones."""
    return _values(cells, np.int32(-1))


def _values(cells: Any, gap: Any) -> NDArray[Any]:
    """The numbers of an array of the type of `gap`, which stands for missing ones."""
    if isinstance(cells, pa.ChunkedArray):
        parts = [_values(chunk, gap) for chunk in cells.chunks]
        return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, gap.dtype), *parts])
    start, end = cells.offset, cells.offset + len(cells)
    bitmap, content = cells.buffers()
    if start == end:
        return np.empty(0, gap.dtype)
    values: NDArray[Any] = np.frombuffer(content, dtype=gap.dtype)[start:end]
    if not cells.null_count:
        return values
    bits = np.unpackbits(np.frombuffer(bitmap, dtype=np.uint8), count=end, bitorder="little")
    return np.where(bits[start:], values, gap)
