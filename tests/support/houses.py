"""A small table with everything that tables of one's own have: gaps, names, truth values."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from support.composing import composed_quickly

from seedbed.data.prepared import PreparedData, prepare_data

Columns = Mapping[str, Sequence[Any]]
ROWS = 80


def houses(rows: int = ROWS, seed: int = 7) -> dict[str, list[Any]]:
    """Columns by name; None is a missing cell."""
    draw = np.random.default_rng(seed)
    area = draw.normal(120, 40, rows).tolist()
    rooms = draw.integers(1, 7, rows).tolist()
    return {
        "id": list(range(rows)),
        "area": _with_gaps(area, draw),
        "rooms": _with_gaps(rooms, draw),
        "city": _with_gaps(draw.choice(["Rome", "Oslo", "Bonn"], rows).tolist(), draw),
        "garden": draw.choice([True, False], rows).tolist(),
        "pool": _with_gaps(draw.choice([True, False], rows).tolist(), draw),
        "floors": [2] * rows,
        "price": [1000 * a + 5000 * r for a, r in zip(area, rooms, strict=True)],
        "kind": draw.choice(["villa", "flat", "barn"], rows, p=[0.2, 0.5, 0.3]).tolist(),
    }


def write_csv(path: Path, columns: Columns, delimiter: str = ",") -> Path:
    """Cells as a person writes them: truth values in small letters, gaps left empty."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow([_cell(value) for value in row])
    return path


def prepared_data(*overrides: str, seed: int = 0) -> PreparedData:
    """The data that overrides describe."""
    return prepare_data(composed_quickly(overrides).config.data, seed)


def _with_gaps(values: list[Any], draw: np.random.Generator) -> list[Any]:
    gaps = set(draw.choice(len(values), len(values) // 8, replace=False).tolist())
    return [None if row in gaps else value for row, value in enumerate(values)]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
