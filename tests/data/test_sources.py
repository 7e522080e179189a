"""The same rows from a YAML, a CSV, a TSV, a Parquet, a .npz file or scikit-learn."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch
from sklearn.datasets import load_diabetes, load_iris
from support.houses import Columns, houses, prepared_data, write_csv

from seedbed.data.prepared import PreparedData
from seedbed.errors import DataError
from seedbed.tables import sklearn_sets

PARTS = ["train", "validation", "test"]


def write_tsv(path: Path, columns: Columns) -> Path:
    return write_csv(path, columns, delimiter="\t")


def write_parquet(path: Path, columns: Columns) -> Path:
    pyarrow.parquet.write_table(pa.table(dict(columns)), path)
    return path


WRITERS = {
    "csv": ("csv", write_csv),
    "tsv": ("csv", write_tsv),
    "parquet": ("parquet", write_parquet),
}
Writer = Callable[[Path, Columns], Path]


def same(one: PreparedData, other: PreparedData, *, exactly: bool = True) -> bool:
    """Whether the parts hold the same rows; a matrix is averaged in another order than columns."""
    near = torch.equal if exactly else torch.allclose
    return one.preprocessing.classes == other.preprocessing.classes and all(
        near(mine, theirs)
        for part in PARTS
        for mine, theirs in zip(
            getattr(one, part).tensors, getattr(other, part).tensors, strict=True
        )
    )


@pytest.fixture(scope="module")
def iris() -> dict[str, list]:
    bunch = load_iris()
    columns = {name: bunch.data[:, i].tolist() for i, name in enumerate(bunch.feature_names)}
    return {**columns, "flower": bunch.target_names[bunch.target].tolist()}


@pytest.mark.parametrize("form", WRITERS)
def test_classes_from_a_file_are_those_of_scikit_learn(
    tmp_path: Path, iris: dict[str, list], form: str
) -> None:
    source, write = WRITERS[form]
    path = write(tmp_path / f"iris.{form}", iris)
    data = prepared_data(f"data={source}", f"data.path={path}", "data.target=flower")
    assert data.preprocessing.task == "multiclass"
    assert same(data, prepared_data("data=sklearn", "data.dataset=iris"))


def test_classes_from_arrays_are_those_of_scikit_learn(
    tmp_path: Path, iris: dict[str, list]
) -> None:
    *features, _ = iris
    x = np.column_stack([iris[name] for name in features])
    np.savez(tmp_path / "iris.npz", x=x, flower=np.array(iris["flower"]))
    data = prepared_data("data=npz", f"data.path={tmp_path / 'iris.npz'}", "data.target=flower")
    assert same(data, prepared_data("data=sklearn", "data.dataset=iris"), exactly=False)


def arrays(folder: Path, y: np.ndarray, *words: str) -> PreparedData:
    """Prepared from a .npz of sixty rows with these targets."""
    np.savez(folder / "rows.npz", x=np.arange(120.0).reshape(60, 2), y=y)
    words = (*words, "data.split={validation:0.2,test:0.2}")
    return prepared_data("data=npz", f"data.path={folder / 'rows.npz'}", *words)


def test_classes_may_lie_in_a_column_of_their_own(tmp_path: Path) -> None:
    y = np.arange(60) % 2 * 2 - 1
    data = arrays(tmp_path, y[:, None])
    assert data.preprocessing.task == "binary"
    assert data.preprocessing.classes == ["-1", "1"]
    assert same(data, arrays(tmp_path, y))
    y = np.linspace(0, 1, 60)
    assert same(arrays(tmp_path, y[:, None]), arrays(tmp_path, y))


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (np.arange(60) * 3, "60 different whole numbers in 60 rows; type data.task=multiclass if"),
        (np.eye(3, dtype=int)[np.arange(60) % 3], "every row holds a single 1 among zeros"),
        (np.arange(180).reshape(60, 3), r"shape \(3,\) a row, and a class is one number"),
    ],
    ids=["quantities", "one-hot", "rows"],
)
def test_integers_that_are_hardly_classes_are_asked_about(
    tmp_path: Path, y: np.ndarray, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        arrays(tmp_path, y)
    assert arrays(tmp_path, y, "data.task=regression").preprocessing.task == "regression"


def test_a_file_that_its_byte_order_mark_contradicts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.csv"
    path.write_bytes("x,y\n1,2\n".encode("utf-16")[:-1])
    with pytest.raises(DataError, match="is not utf-16-le text; its byte order mark says that"):
        prepared_data("data=csv", f"data.path={path}", "data.target=y")


SPLIT = ["data.standardize=true", "data.split={validation:0.2,test:0.2}"]
X, Y = load_diabetes().data[:10, :3], load_diabetes().target[:10]


@pytest.fixture(scope="module")
def in_yaml() -> PreparedData:
    """Ten rows, which are all that fits into a YAML nicely."""
    return prepared_data(f"data.x={X.tolist()}", f"data.y={Y.tolist()}", *SPLIT)


@pytest.mark.parametrize("form", WRITERS)
def test_rows_of_a_yaml_are_those_of_a_file(
    tmp_path: Path, in_yaml: PreparedData, form: str
) -> None:
    source, write = WRITERS[form]
    columns = {f"x{i + 1}": X[:, i].tolist() for i in range(3)}
    path = write(tmp_path / f"rows.{form}", {**columns, "y": Y.tolist()})
    words = [f"data={source}", f"data.path={path}", "data.target=y"]
    assert same(prepared_data(*words, *SPLIT), in_yaml)


def test_rows_of_a_yaml_are_those_of_arrays(tmp_path: Path, in_yaml: PreparedData) -> None:
    np.savez(tmp_path / "rows.npz", x=X, y=Y)
    words = ["data=npz", f"data.path={tmp_path / 'rows.npz'}"]
    assert same(prepared_data(*words, *SPLIT), in_yaml, exactly=False)


@pytest.mark.parametrize("form", ["tsv", "parquet"])
def test_gaps_names_and_booleans_are_read_alike(tmp_path: Path, form: str) -> None:
    source, write = WRITERS[form]
    table = houses()
    path = write(tmp_path / f"houses.{form}", table)
    csv = write_csv(tmp_path / "houses.csv", table)
    target = "data.target=kind"
    data = prepared_data(f"data={source}", f"data.path={path}", target)
    assert same(data, prepared_data("data=csv", f"data.path={csv}", target))


@pytest.mark.parametrize("cell", ["Köln", "Zürich"])
def test_another_encoding_is_read_when_configured_so(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes(f"city,y\n{cell},1.5\nBonn,2.5\nBonn,3.5\n".encode("latin-1"))
    words = ["data=csv", f"data.path={path}", "data.target=y", "data.encoding=latin-1"]
    data = prepared_data(*words, "data.split={validation:0,test:0}")
    assert data.preprocessing.features[0].categories == sorted(["Bonn", cell])


def test_the_article_rows_are_the_default() -> None:
    x, y = prepared_data().train.tensors
    assert x.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert y.tolist() == [[3], [7], [11], [15]]
    assert x.dtype == y.dtype == torch.float32


@pytest.mark.parametrize(
    ("dataset", "rows", "width", "classes"),
    [
        ("digits", 1797, 64, 10),
        ("iris", 150, 4, 3),
        ("wine", 178, 13, 3),
        ("breast_cancer", 569, 30, 2),
        ("diabetes", 442, 10, 0),
    ],
)
def test_every_shipped_set_is_whole(dataset: str, rows: int, width: int, classes: int) -> None:
    data = prepared_data("data=sklearn", f"data.dataset={dataset}")
    assert sum(data.fingerprint["rows"].values()) == rows
    assert data.preprocessing.input_shape == [width]
    assert len(data.preprocessing.classes) == classes


@pytest.mark.parametrize("dataset", sklearn_sets.FILES)
def test_a_set_read_from_its_file_is_the_one_that_scikit_learn_gives(dataset: str) -> None:
    own, theirs = sklearn_sets._from_files(dataset), sklearn_sets._from_library(dataset)
    assert own is not None
    assert (list(own.columns), own.classes) == (list(theirs.columns), theirs.classes)
    for name, column in own.columns.items():
        assert np.array_equal(column.values, theirs.columns[name].values), name
        assert column.different == theirs.columns[name].different


def test_a_set_whose_file_has_moved_is_asked_of_scikit_learn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = prepared_data("data=sklearn", "data.dataset=wine")
    monkeypatch.setitem(sklearn_sets.FILES, "wine", "moved.csv")
    monkeypatch.setattr(sklearn_sets, "_from_files", sklearn_sets._from_files.__wrapped__)
    assert prepared_data("data=sklearn", "data.dataset=wine").fingerprint == data.fingerprint


def test_the_fingerprint_changes_with_one_cell(tmp_path: Path) -> None:
    table = houses()
    words = ["data=csv", "data.target=price"]
    first = prepared_data(*words, f"data.path={write_csv(tmp_path / 'a.csv', table)}").fingerprint
    again = prepared_data(*words, f"data.path={write_csv(tmp_path / 'b.csv', table)}").fingerprint
    table["rooms"][3] = 9
    other = prepared_data(*words, f"data.path={write_csv(tmp_path / 'c.csv', table)}").fingerprint
    assert first["sha256"] == again["sha256"] != other["sha256"]
    assert len({*first["files"].values(), *other["files"].values()}) == 2
