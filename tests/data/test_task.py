"""Which task a target poses, whatever file it comes in."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.composing import composed_quickly

from seedbed.data.prepared import prepare_data
from seedbed.errors import DataError


@pytest.mark.parametrize("labels", [(-1, 1), (1, 2), (0, 1), (5, 6)], ids=str)
@pytest.mark.parametrize("source", ["csv", "parquet", "npz"])
def test_two_integers_are_two_classes_in_every_format(
    tmp_path: Path, source: str, labels: tuple[int, int]
) -> None:
    y = np.array([labels[n % 2] for n in range(30)])
    path = tmp_path / f"rows.{source}"
    if source == "csv":
        path.write_text("x,y\n" + "".join(f"{n},{label}\n" for n, label in enumerate(y)))
    elif source == "parquet":
        pq.write_table(pa.table({"x": np.arange(30.0), "y": y}), path)
    else:
        np.savez(path, x=np.arange(30.0), y=y)
    words = [f"data={source}", f"data.path='{path}'", "data.target=y"]
    found = prepare_data(composed_quickly(words).config.data, 0).preprocessing
    assert (found.task, found.classes) == ("binary", [str(label) for label in labels])


@pytest.mark.parametrize(
    ("cells", "word"),
    [
        (("2024-01-01", "2024-02-01"), "data.task=auto"),
        (("2024-01-01", "2024-02-01", "2024-03-01"), "data.task=multiclass"),
        (("31.01.2024", "01.02.2024"), 'data.dates={y: "%d.%m.%Y"}'),
    ],
    ids=["two", "three", "of another form"],
)
def test_dates_are_classes_where_the_config_says_so(
    tmp_path: Path, cells: tuple[str, ...], word: str
) -> None:
    path = tmp_path / "rows.csv"
    lines = [f"{n},{cells[n % len(cells)]}" for n in range(30)]
    path.write_text("\n".join(["x,y", *lines, ""]))
    words = ["data=csv", f"data.path='{path}'", "data.target=y"]
    with pytest.raises(DataError, match=r"holds dates, .*; type 'data.categories=\[y\]' if"):
        prepare_data(composed_quickly([*words, word]).config.data, 0)
    asked = composed_quickly([*words, "data.categories=[y]"]).config.data
    assert prepare_data(asked, 0).preprocessing.classes == sorted(cells)
