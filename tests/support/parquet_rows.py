"""The same rows as Parquet in several forms: one file, many, folders, row groups of any size."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from support.composing import composed_quickly

from seedbed.components import AllowList
from seedbed.data.prepared import PreparedData
from seedbed.training.run_data import data_of

ROWS = 500


def rows(count: int = ROWS, seed: int = 0) -> Any:
    """Columns of every kind; `y` is a quantity, `k` one of three classes."""
    drawn = np.random.default_rng(seed)
    number = np.arange(count)
    gaps = pa.array([None if one % 17 == 3 else float(one % 9) for one in number])
    return pa.table(
        {
            "a": drawn.standard_normal(count) * 1e3 + 1e6,
            "b": gaps,
            "c": [None if one % 31 == 30 else ("red", "green", "blue")[one % 3] for one in number],
            "d": (number / 7).astype(np.float32),
            "e": [bool(one % 2) for one in number],
            "t": [f"{one / 10}" for one in number],
            "day": pa.array(number.astype("datetime64[D]")),
            "y": drawn.standard_normal(count),
            "k": [
                ("no", "yes", "perhaps")[int(one % 5 == 0) + int(one % 7 == 0)] for one in number
            ],
        }
    )


def write(table: Any, path: Path, group: int = 64) -> Path:
    """One file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pa.parquet.write_table(table, path, row_group_size=group)
    return path


def write_parts(table: Any, folder: Path, sizes: list[int], group: int = 64) -> Path:
    """Several files of a folder, whose names are in the order of the rows."""
    start = 0
    for number, size in enumerate(sizes):
        write(table.slice(start, size), folder / f"part-{number:03}.parquet", group)
        start += size
    return folder


def prepared(path: Path | list[Path] | str, *words: str, target: str = "y") -> PreparedData:
    """The data of a config that names these files."""
    named = f"[{','.join(map(str, path))}]" if isinstance(path, list) else path
    other = {"y": "k", "k": "y"}[target]
    config = composed_quickly(
        [
            "data=parquet",
            f"data.path={named}",
            f"data.target={target}",
            f"data.drop=[{other}]",
            *words,
        ]
    ).config
    return data_of(config, AllowList([]))


STREAM = ("data.stream=true", "data.memory=10 MB")
