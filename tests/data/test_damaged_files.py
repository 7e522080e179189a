"""Files that were cut short or changed on their way are read, or refused in lines."""

import gzip
import io
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.composing import composed_quickly

from seedbed.data.prepared import prepare_data
from seedbed.errors import DataError
from seedbed.tables.table import Column, Table

ROWS = 60
CSV = "".join(
    ["a,b,name,y\n", *(f'{n},{n / 7:.3f},"{"xyz"[n % 3]}",{n * 2}\n' for n in range(ROWS))]
).encode()


def parquet() -> bytes:
    columns = {"a": range(ROWS), "name": ["xyz"[n % 3] for n in range(ROWS)]}
    table = pa.table({**columns, "y": [n * 2.0 for n in range(ROWS)]})
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


FILES = {
    "rows.csv": ("csv", CSV),
    "rows.csv.gz": ("csv", gzip.compress(CSV)),
    "rows.parquet": ("parquet", parquet()),
    "rows.npz": ("npz", npz(x=np.arange(2.0 * ROWS).reshape(ROWS, 2), y=np.arange(1.0 * ROWS))),
}


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Cut short, with some bytes changed, or with a piece taken out or put in twice."""
    changed = bytearray(content)
    first, last = sorted(chance.randrange(len(content)) for _ in range(2))
    match chance.randrange(4):
        case 0:
            return content[:first]
        case 1:
            for _ in range(chance.randint(1, 5)):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            return bytes(changed)
        case 2:
            return content[:first] + content[last:]
        case _:
            return content[:last] + content[first:]


def read(source: str, path: Path) -> None:
    words = [f"data={source}", f"data.path='{path}'", "data.target=y"]
    prepare_data(composed_quickly(words).config.data, 0)


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_read_or_refused_in_lines(tmp_path: Path, name: str) -> None:
    source, content = FILES[name]
    path = tmp_path / name
    path.write_bytes(content)
    read(source, path)  # as it is, it is good
    chance = random.Random(name)
    problems: list[str] = []
    for _ in range(40):
        path.write_bytes(damaged(content, chance))
        try:
            read(source, path)
        except DataError as err:
            problems += err.problems
    assert len(problems) > 10
    assert all(line and "\n" not in line for line in problems)


X = np.arange(2.0 * ROWS).reshape(ROWS, 2)


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (np.array([]), "differ in their number of rows"),
        (np.full(ROWS, 1e308), "beyond float32"),
        (np.array([-1e308, 1e308] * (ROWS // 2)), "beyond float32"),
        (np.full(ROWS, np.nan), "no usable value"),
        (np.full(ROWS, np.inf), "no usable value"),
        (np.zeros((ROWS, 0)), "holds no number"),
        (np.zeros((0, 1)), "differ in their number of rows"),
        (np.ones(ROWS, dtype=bool), "one class only"),
    ],
    ids=["empty", "huge", "huge of both signs", "nan", "infinite", "no columns", "no rows", "true"],
)
def test_targets_of_no_use_are_refused_in_a_line(tmp_path: Path, y: np.ndarray, said: str) -> None:
    path = tmp_path / "rows.npz"
    path.write_bytes(npz(x=X, y=y))
    with pytest.raises(DataError, match=said):
        read("npz", path)


def test_a_feature_beyond_float32_is_refused_in_training_and_after(tmp_path: Path) -> None:
    path = tmp_path / "rows.npz"
    path.write_bytes(npz(x=np.where(X == 7, 1e308, X), y=np.arange(1.0 * ROWS)))
    with pytest.raises(DataError, match=r"'x' of rows.npz holds a number beyond float32.*row 4"):
        read("npz", path)
    path.write_bytes(npz(x=X / 1e6, y=np.arange(1.0 * ROWS)))
    data = prepare_data(
        composed_quickly(["data=npz", f"data.path='{path}'", "data.target=y"]).config.data, 0
    )
    later = Table({"x": Column("number", np.array([[1e308, 0.0]]))}, "later.npz")
    with pytest.raises(DataError, match=r"row 1 of later.npz holds an infinite number, or one"):
        data.preprocessing.inputs(later)


def test_booleans_of_an_array_are_classes(tmp_path: Path) -> None:
    path = tmp_path / "rows.npz"
    path.write_bytes(npz(x=X, y=np.arange(ROWS) % 2 == 0))
    words = ["data=npz", f"data.path='{path}'", "data.target=y"]
    data = prepare_data(composed_quickly(words).config.data, 0)
    assert (data.preprocessing.task, data.preprocessing.classes) == ("binary", ["false", "true"])
