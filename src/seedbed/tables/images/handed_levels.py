"""Images that a program hands in as arrays of levels, in place of files."""

import hashlib
from typing import Any

import numpy as np

from seedbed.errors import DataError
from seedbed.tables.images.pixels import ImageCells, Pixels, digest_of

MOST = 255


def image_cells(cells: Any, where: str) -> ImageCells:
    """Images as they come from files, or as levels.

    Args:
        cells: `ImageCells`, or an array (rows, channels, height, width) of numbers from 0 to 255.
        where: that they are in, for errors.

    Raises:
        DataError: if they are anything else, such as numbers from 0 to 1.
    """
    if isinstance(cells, ImageCells):
        return cells
    array = cells if isinstance(cells, np.ndarray) else None
    if array is None or array.ndim != 4 or array.dtype.kind not in "uif":
        raise DataError(
            f"{where} must be images: files (--file FOLDER), or an array (rows, channels, height, "
            f"width) of levels from 0 to {MOST}"
        )
    if not np.isfinite(array).all() or (array < 0).any() or (array > MOST).any():
        raise DataError(f"{where} holds numbers that are no levels from 0 to {MOST}")
    if array.dtype.kind == "f" and ((array != np.floor(array)).any() or 0 < array.max() <= 1):
        raise DataError(
            f"{where} holds fractions, or nothing above 1, and levels go from 0 to {MOST}; "
            "multiply by 255 and round"
        )
    levels = np.ascontiguousarray(array, dtype=np.uint8)
    digest = digest_of(levels) if len(levels) else hashlib.sha256().hexdigest()
    return ImageCells(Pixels(levels, digest, digest), np.arange(len(levels), dtype=np.int64))
