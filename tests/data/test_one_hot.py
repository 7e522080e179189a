"""Classes that are written as a one among zeros are never quantities in silence."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.houses import prepared_data, write_csv
from support.single_runs import prepared
from torch.utils.data import Dataset

from seedbed.errors import DataError

ONE_HOT = np.eye(3)[np.arange(30) % 3]
X = np.random.default_rng(0).normal(size=(30, 4))
TOLD = "every row holds a single 1 among zeros, as one-hot classes do"
REAL = "data.task=regression"


class Rows(Dataset[Any]):
    def __init__(self, kind: str) -> None:
        self.y = {"float": torch.tensor, "numpy": np.array, "list": list}[kind]

    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, index: int) -> Any:
        return torch.tensor(X[index]), self.y(ONE_HOT[index].tolist())


def of_array(folder: Path, y: Any, *words: str) -> Any:
    np.savez(folder / "rows.npz", x=X, y=y)
    path = f"data.path={folder / 'rows.npz'}"
    return prepared_data("data=npz", path, "data.features=[x]", "data.target=y", *words)


@pytest.mark.parametrize("kind", ["float64", "float32", "int64", "bool"])
def test_of_an_array_is_refused_unless_the_task_is_configured(tmp_path: Path, kind: str) -> None:
    with pytest.raises(DataError, match=TOLD):
        of_array(tmp_path, ONE_HOT.astype(kind))
    data = of_array(tmp_path, ONE_HOT.astype(kind), REAL)
    assert data.preprocessing.task == "regression"
    data = of_array(tmp_path, np.argmax(ONE_HOT, axis=1))  # as the error says
    assert data.preprocessing.classes == ["0", "1", "2"]


@pytest.mark.parametrize("cells", [[1, 0], [1.0, 0.0], [True, False]])
def test_of_several_columns_is_refused_too(tmp_path: Path, cells: list[Any]) -> None:
    columns = {
        f"is_{n}": [cells[0] if one else cells[1] for one in ONE_HOT[:, n]] for n in (0, 1, 2)
    }
    path = write_csv(tmp_path / "t.csv", {"x": X[:, 0].tolist(), **columns})
    words = ["data=csv", f"data.path={path}", "data.target=[is_0,is_1,is_2]"]
    with pytest.raises(DataError, match=f"'is_0', 'is_1', 'is_2': {TOLD}"):
        prepared_data(*words)
    assert prepared_data(*words, REAL).preprocessing.task == "regression"


@pytest.mark.parametrize("kind", ["float", "numpy", "list"])
def test_of_a_dataset_is_refused_too(kind: str) -> None:
    part = f"data.train={{_target_: {__name__}.Rows, kind: {kind}}}"
    words = ["data=dataset", part, f"allow=[{__name__}]"]
    with pytest.raises(DataError, match=TOLD):
        prepared(*words)
    assert prepared(*words, REAL)[1].data.preprocessing.task == "regression"


@pytest.mark.parametrize("y", [ONE_HOT * 0.5, ONE_HOT[:, :2], np.ones((30, 2)), X])
def test_other_rows_of_real_numbers_pose_regression(tmp_path: Path, y: Any) -> None:
    assert of_array(tmp_path, y).preprocessing.task == "regression"


@pytest.mark.parametrize(
    ("x", "y", "told"),
    [
        (X, X > 0, r"holds truth values of shape \(4,\) a row, and a class is one number"),
        (X, np.array([["a", "b"]] * 30), r"'y' of 'rows.npz' holds text of shape \(2,\) a row"),
        (
            np.array([["a", "b"]] * 30),
            X[:, 0],
            r"'x' of 'rows.npz' holds text of shape \(2,\) a row",
        ),
    ],
)
def test_rows_that_are_no_class_and_no_name_are_refused(
    tmp_path: Path, x: Any, y: Any, told: str
) -> None:
    np.savez(tmp_path / "rows.npz", x=x, y=y)
    path = f"data.path={tmp_path / 'rows.npz'}"
    with pytest.raises(DataError, match=told):
        prepared_data("data=npz", path, "data.features=[x]", "data.target=y")
