"""What is fitted on the training rows, against scikit-learn fitted on the same rows."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler
from support.houses import houses, prepared_data, write_csv

from seedbed.data.json_rows import rows_from_json
from seedbed.data.new_rows import opened_rows, rows_from_file
from seedbed.data.prepared import PreparedData
from seedbed.data.preprocessing import Preprocessing
from seedbed.errors import DataError
from seedbed.tables.column_types import later_table

FEATURES = ["area", "rooms", "city", "garden", "pool", "floors"]
NUMBERS = ["area", "rooms", "floors"]
PARTS = ["train", "validation", "test"]


@pytest.fixture
def table() -> dict[str, list[Any]]:
    return houses()


@pytest.fixture
def words(tmp_path: Path, table: dict[str, list[Any]]) -> list[str]:
    path = write_csv(tmp_path / "houses.csv", table)
    return ["data=csv", f"data.path={path}", "data.split={validation:0.2,test:0.2}"]


def inputs(data: PreparedData, part: str) -> np.ndarray:
    return getattr(data, part).tensors[0].numpy()


def targets(data: PreparedData, part: str) -> np.ndarray:
    return getattr(data, part).tensors[1].numpy()


def row_numbers(words: list[str], target: str) -> dict[str, list[int]]:
    """Which rows are in which part: a column that numbers them, left as it is, tells."""
    data = prepared_data(
        *words, f"data.target={target}", "data.features=[id]", "data.standardize=false"
    )
    return {part: inputs(data, part)[:, 0].astype(int).tolist() for part in PARTS}


def by_sklearn(
    table: dict[str, list[Any]], training: list[int], rows: list[int], *, standardize: bool
) -> np.ndarray:
    """scikit-learn's version of `FEATURES`, fitted on `training`, for `rows`."""
    imputer = SimpleImputer(strategy="mean")
    columns = []
    for name in FEATURES:
        if name == "city":
            cells = np.array(table[name], dtype=object)[:, None]
            step = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
        else:
            cells = np.array(table[name], dtype=float)[:, None]  # None becomes NaN
            scaled = standardize and name in NUMBERS
            step = make_pipeline(StandardScaler(), imputer) if scaled else imputer
        columns.append(step.fit(cells[training]).transform(cells[rows]))
    return np.hstack(columns)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("standardize", [True, False], ids=["standardized", "as it is"])
@pytest.mark.parametrize("target", ["price", "kind"])
def test_inputs_equal_those_of_scikit_learn_fitted_on_the_training_rows(
    table: dict[str, list[Any]], words: list[str], target: str, standardize: bool, part: str
) -> None:
    rows = row_numbers(words, target)
    features = f"data.features=[{','.join(FEATURES)}]"
    data = prepared_data(
        *words, f"data.target={target}", features, f"data.standardize={str(standardize).lower()}"
    )
    expected = by_sklearn(table, rows["train"], rows[part], standardize=standardize)
    np.testing.assert_allclose(inputs(data, part), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("part", PARTS)
def test_a_regression_target_is_scaled_by_the_training_rows_and_scaled_back(
    table: dict[str, list[Any]], words: list[str], part: str
) -> None:
    rows = row_numbers(words, "price")
    data = prepared_data(*words, "data.target=price", "data.features=[area]")
    price = np.array(table["price"])[:, None]
    scaler = StandardScaler().fit(price[rows["train"]])
    scaled = targets(data, part)
    np.testing.assert_allclose(scaled, scaler.transform(price[rows[part]]), rtol=1e-5)
    np.testing.assert_allclose(
        data.preprocessing.predictions(scaled.astype(float)), price[rows[part]], rtol=1e-6
    )


def test_a_text_target_is_numbered_as_by_label_encoder(
    table: dict[str, list[Any]], words: list[str]
) -> None:
    rows = row_numbers(words, "kind")
    data = prepared_data(*words, "data.target=kind", "data.features=[area]")
    encoder = LabelEncoder().fit(table["kind"])
    assert data.preprocessing.classes == encoder.classes_.tolist()
    for part in PARTS:
        expected = encoder.transform([table["kind"][row] for row in rows[part]])
        np.testing.assert_array_equal(targets(data, part), expected)


def test_an_unchanged_target_stays_in_its_own_unit(
    table: dict[str, list[Any]], words: list[str]
) -> None:
    data = prepared_data(
        *words, "data.target=price", "data.features=[area]", "data.standardize=false"
    )
    rows = row_numbers(words, "price")
    expected = np.array(table["price"], dtype=np.float32)[rows["train"]]
    np.testing.assert_array_equal(targets(data, "train")[:, 0], expected)
    np.testing.assert_array_equal(data.preprocessing.predictions(np.array([[2.5]])), [[2.5]])


def test_a_constant_column_becomes_zeros_and_is_reported(words: list[str]) -> None:
    data = prepared_data(*words, "data.target=price", "data.features=[floors,area]")
    assert inputs(data, "train")[:, 0].tolist() == [0.0] * len(inputs(data, "train"))
    assert data.notes == ["column 'floors' of houses.csv has one value in all training rows"]


@pytest.mark.parametrize("target", ["price", "kind"])
def test_preprocessing_survives_json(words: list[str], tmp_path: Path, target: str) -> None:
    data = prepared_data(*words, f"data.target={target}", f"data.features=[{','.join(FEATURES)}]")
    text = json.dumps(data.preprocessing.to_json(class_counts=True), allow_nan=False)
    again = Preprocessing.from_json(json.loads(text))
    assert again == data.preprocessing
    assert set(json.loads(text)) - set(data.preprocessing.to_json()) == {"class_counts"}
    file = opened_rows(tmp_path / "houses.csv", {})
    table = later_table(file, FEATURES, again.types, [target])
    np.testing.assert_array_equal(again.inputs(table), data.preprocessing.inputs(table))
    np.testing.assert_array_equal(again.targets(table), data.preprocessing.targets(table))


@pytest.mark.parametrize("shape", [(3,), (3, 6), (3, 5, 4)], ids=str)
def test_arrays_are_standardized_by_channel(tmp_path: Path, shape: tuple[int, ...]) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal([[1, 50, -3]], [[1, 20, 0.1]], (12, 3)).reshape(12, 3, *[1] * (len(shape) - 1))
    x = x * draw.uniform(0.5, 1.5, (12, *shape))
    np.savez(tmp_path / "a.npz", x=x, y=draw.normal(size=12))
    data = prepared_data("data=npz", f"data.path={tmp_path / 'a.npz'}", "data.split.test=0")
    plain = prepared_data(
        "data=npz", f"data.path={tmp_path / 'a.npz'}", "data.split.test=0", "data.standardize=false"
    )
    training = inputs(plain, "train").astype(float)
    assert data.preprocessing.input_shape == list(shape)
    scaler = StandardScaler().fit(np.moveaxis(training, 1, -1).reshape(-1, 3))
    for part in ("train", "validation"):
        cells = np.moveaxis(inputs(plain, part).astype(float), 1, -1)
        expected = np.moveaxis(scaler.transform(cells.reshape(-1, 3)).reshape(cells.shape), -1, 1)
        np.testing.assert_allclose(inputs(data, part), expected, rtol=1e-4, atol=1e-5)


def test_numbers_that_are_names_become_columns_when_configured_so(tmp_path: Path) -> None:
    postcodes = [10115, 80331, 10115, 50667, 80331, 10115]
    path = write_csv(tmp_path / "p.csv", {"postcode": postcodes, "y": range(6)})
    words = ["data=csv", f"data.path={path}", "data.target=y", "data.split={validation:0,test:0}"]
    data = prepared_data(*words, "data.categories=[postcode]", "data.standardize=false")
    expected = OneHotEncoder(sparse_output=False).fit_transform(np.array(postcodes)[:, None])
    np.testing.assert_array_equal(inputs(data, "train"), expected)
    assert inputs(prepared_data(*words), "train").shape == (6, 1)


class TestAnUnseenName:
    @pytest.fixture
    def data(self, tmp_path: Path) -> PreparedData:
        seen = {"city": ["Rome", "Oslo", "Rome", "Bonn"], "y": [1.0, 2.0, 3.0, 5.0]}
        train = write_csv(tmp_path / "train.csv", seen)
        other = write_csv(tmp_path / "other.csv", {"city": ["Oslo", "Paris"], "y": [1.0, 2.0]})
        files = [f"data.path={train}", f"data.validation_path={other}"]
        return prepared_data("data=csv", *files, "data.target=y", "data.split.test=0")

    def test_becomes_zeros_in_validation_rows(self, data: PreparedData) -> None:
        assert inputs(data, "validation").tolist() == [[0, 1, 0], [0, 0, 0]]

    def test_is_counted_and_reported(self, data: PreparedData) -> None:
        assert data.notes == [
            "column 'city': 1 of 2 validation rows hold names that no training row has, 'Paris'; "
            "they become zeros (data.unknown)"
        ]

    def test_becomes_zeros_in_rows_to_predict(self, data: PreparedData) -> None:
        rows = rows_from_json([["Bonn"], ["Rmoe"]], data.preprocessing)
        assert rows.inputs.tolist() == [[1, 0, 0], [0, 0, 0]]
        assert rows.warnings() == {"unknown_names": ["", "city"]}
        (note,) = rows.notes
        assert "1 of 2 rows of --input hold names that no training row has, 'Rmoe'" in note
        assert "did you mean 'Rome'" in note

    def test_becomes_zeros_in_a_file_to_predict(self, data: PreparedData, tmp_path: Path) -> None:
        rows = rows_from_file(opened_rows(tmp_path / "other.csv", {}), data.preprocessing)
        assert rows.inputs.tolist() == [[0, 1, 0], [0, 0, 0]]
        assert rows.warnings() == {"unknown_names": ["", "city"]}

    def test_is_refused_everywhere_where_the_run_says_so(
        self, data: PreparedData, tmp_path: Path
    ) -> None:
        strict = replace(data.preprocessing, unknown="error")
        with pytest.raises(DataError, match=r"row 2: 'Rmoe' was not in .*did you mean 'Rome'"):
            rows_from_json([["Bonn"], ["Rmoe"]], strict)
        with pytest.raises(DataError, match=r"row 2: 'Paris' was not in the training rows"):
            rows_from_file(opened_rows(tmp_path / "other.csv", {}), strict)
        files = [
            f"data.{one}={tmp_path / name}.csv"
            for one, name in (("path", "train"), ("validation_path", "other"))
        ]
        words = ["data=csv", *files, "data.target=y", "data.split.test=0", "data.unknown=error"]
        with pytest.raises(DataError, match=r"other.csv, row 2: 'Paris' was not in the training"):
            prepared_data(*words)


def test_new_rows_as_lists_mappings_and_a_file_are_the_same_inputs(
    table: dict[str, list[Any]], words: list[str], tmp_path: Path
) -> None:
    data = prepared_data(*words, "data.target=price", f"data.features=[{','.join(FEATURES)}]")
    rows = [[table[name][row] for name in FEATURES] for row in range(20)]
    as_lists = rows_from_json(rows, data.preprocessing).inputs
    mappings = [dict(zip(FEATURES[::-1], row[::-1], strict=True)) for row in rows]
    path = write_csv(tmp_path / "new.csv", {name: table[name][:20] for name in FEATURES})
    np.testing.assert_array_equal(rows_from_json(mappings, data.preprocessing).inputs, as_lists)
    rows = rows_from_file(opened_rows(path, {}), data.preprocessing)
    np.testing.assert_array_equal(rows.inputs, as_lists)
