"""Names and classes that are spelt nearly alike stay different, and are told."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from support.command_line import Command
from support.houses import prepared_data, write_csv
from support.single_runs import prepared
from torch import Tensor, randn
from torch.utils.data import Dataset

from seedbed.data.like_spellings import alike

LABELS = ["Yes", "yes ", "no", "YES"]
CITIES = ["Rome", "Oslo", " rome", "Bonn", "Bo\u00a0nn"]
UNSPLIT = "data.split={validation: 0, test: 0}"


class Answers(Dataset[tuple[Tensor, str]]):
    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> tuple[Tensor, str]:
        return randn(3), LABELS[index % 4]


def columns() -> dict[str, list[Any]]:
    return {
        "size": [float(n) for n in range(40)],
        "city": [CITIES[n % 5] for n in range(40)],
        "left": [LABELS[n % 4] for n in range(40)],
    }


def written(folder: Path, ending: str) -> Path:
    path = folder / f"rows.{ending}"
    if ending == "parquet":
        pa.parquet.write_table(pa.table(columns()), path)
    elif ending == "npz":
        np.savez(path, **{name: np.array(cells) for name, cells in columns().items()})
    else:
        write_csv(path, columns(), "\t" if ending == "tsv" else ",")
    return path


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "npz"])
def test_are_reported_of_every_format_and_stay_as_written(tmp_path: Path, ending: str) -> None:
    source = "csv" if ending == "tsv" else ending
    named = ["data.features=[size,city]"] if ending == "npz" else []
    path = written(tmp_path, ending)
    data = prepared_data(f"data={source}", f"data.path={path}", "data.target=left", UNSPLIT, *named)
    assert data.preprocessing.classes == ["YES", "Yes", "no", "yes "]
    assert data.preprocessing.features[1].categories == sorted(set(CITIES))
    origin = f"of {path.name} holds"
    assert list(data.notes) == [
        f"column 'city' {origin} ' rome' and 'Rome', which stay different names; write them alike "
        "if they mean the same",
        f"column 'left' {origin} 'YES' and 'Yes' and 'yes ', which stay different classes; write "
        "them alike if they mean the same",
    ]


def test_labels_of_a_dataset_are_reported() -> None:
    part = f"data.train={{_target_: {__name__}.Answers}}"
    _, plan = prepared("data=dataset", part, f"allow=[{__name__}]")
    assert plan.data.preprocessing.classes == ["YES", "Yes", "no", "yes "]
    (note,) = plan.data.notes
    assert "'YES' and 'Yes' and 'yes ', which stay different classes" in note


@pytest.mark.parametrize("command", ["validate", "train"])
def test_validate_and_train_say_it(seedbed: Command, tmp_path: Path, command: str) -> None:
    words = ["data=csv", f"data.path={written(tmp_path, 'csv')}", "data.target=left", UNSPLIT]
    result = seedbed(command, *words, *(["trainer.epochs=1"] if command == "train" else []))
    assert result.code == 0, result.err
    assert "'YES' and 'Yes' and 'yes ', which stay different classes" in result.out + result.err


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["a", "b", "A", "c", "B "], [["a", "A"], ["b", "B "]]),
        (["x y", "x  y", "x\u00a0y", "xy"], [["x y", "x  y", "x\u00a0y"]]),
        (["Gr\u00f6\u00dfe", "Gro\u0308\u00dfe", "GR\u00d6SSE"],
         [["Gr\u00f6\u00dfe", "Gro\u0308\u00dfe", "GR\u00d6SSE"]]),
        (["1", "1.0", "01", "1.00"], [["1", "1.0"]]),
        (["007", "7", "A1", "a2", None], []),
    ],
)  # fmt: skip
def test_what_is_alike(names: list[str | None], groups: list[list[str]]) -> None:
    assert alike(names) == groups
