"""Columns of plain numbers are measured side by side; nothing but the time tells."""

import numpy as np
import pandas as pd
import pytest

from seedbed.data import fitted_column, input_matrix
from seedbed.data.fitted_column import FittedColumn, constant_columns, fit_features
from seedbed.data.preprocessing import Preprocessing
from seedbed.errors import DataError
from seedbed.tables.row_names import RowNames
from seedbed.tables.table import Column, Table

ROWS = 1003


def mixed_table(missing: float) -> Table:
    """Numbers of all sizes, truth values and names, a part of them missing."""
    draw = np.random.default_rng(3)

    def number(scale: float) -> np.ndarray:
        values = draw.normal(scale, scale, ROWS)
        return np.where(draw.random(ROWS) < missing, np.nan, values)

    names = RowNames.of(draw.choice(["a", "b", "c"], ROWS).tolist())
    return Table(
        {
            "small": Column("number", number(1e-9)),
            "town": Column.of_names(names),
            "large": Column("number", number(1e9)),
            "same": Column("number", np.full(ROWS, 0.1)),
            "yes": Column("boolean", (number(1.0) > 0).astype(float)),
            "plain": Column("number", number(1.0)),
        },
        "table.csv",
    )


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("standardize", [True, False])
def test_a_column_among_others_is_fitted_as_on_its_own(missing: float, standardize: bool) -> None:
    table = mixed_table(missing)
    together = fit_features(list(table.columns), table, 10, standardize=standardize)
    alone = [fit_features([one], table, 10, standardize=standardize)[0] for one in table.columns]
    assert together == alone
    assert constant_columns(together, table) == ["same"]
    plain = table.columns["plain"].values
    assert together[-1].mean == np.nanmean(plain)
    assert together[-1].scale == (np.nanstd(plain) if standardize else None)


@pytest.mark.parametrize("at_once", [1, fitted_column.AT_ONCE])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_columns_measured_one_by_one_have_the_same_bits(
    missing: float, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = mixed_table(missing)
    together = fit_features(list(table.columns), table, 10, standardize=True)
    monkeypatch.setattr(fitted_column, "AT_ONCE", at_once)
    assert fit_features(list(table.columns), table, 10, standardize=True) == together


def by_pandas(feature: FittedColumn, column: Column) -> np.ndarray:
    if feature.categories is not None:
        names = pd.Categorical(column.names().to_list(), feature.categories)
        return pd.get_dummies(names).to_numpy(float)
    values = pd.Series(column.values).fillna(feature.mean)
    scaled = values if feature.scale is None else (values - feature.mean) / feature.scale
    return scaled.to_numpy()[:, None]


@pytest.mark.parametrize("values", [1, 24, 8 * ROWS - 1, input_matrix.BLOCK_VALUES])
@pytest.mark.parametrize("standardize", [True, False])
def test_inputs_have_the_bits_of_each_column_on_its_own(
    standardize: bool, values: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_matrix, "BLOCK_VALUES", values)
    table = mixed_table(0.2)
    fitted = fit_features(list(table.columns), table, 10, standardize=standardize)
    alone = [by_pandas(one, table.columns[one.name]) for one in fitted]
    found = _preprocessing(fitted).inputs(table)
    assert np.array_equal(found, np.hstack(alone).astype(np.float32))
    assert found.shape == (ROWS, 8)


def test_a_number_beyond_float32_is_told_by_its_row_in_a_later_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(input_matrix, "BLOCK_VALUES", 16)
    table = mixed_table(0.0)
    fitted = fit_features(list(table.columns), table, 10, standardize=True)
    table.columns["plain"].values[37] = 1e300
    with pytest.raises(DataError, match=r"row 38 of table.csv holds an infinite number, or one"):
        _preprocessing(fitted).inputs(table)


def test_names_that_become_alike_are_one() -> None:
    names = RowNames.of(["b", None, "1.0", "a", "1", "b"])
    assert names.to_list() == ["b", None, "1.0", "a", "1", "b"]
    assert names.held() == ["b", "1.0", "a", "1"]
    assert names.in_order() == ["b", None, "1.0", "a", "1"]
    renamed = names.renamed(["x", "1", None, "1"])
    assert renamed.to_list() == ["x", None, "1", None, "1", "x"]
    assert RowNames.of(["b", "a", "b", "c"]).ranks().tolist() == [1, 0, 1, 2]


def test_the_first_column_without_a_value_is_named() -> None:
    table = mixed_table(0.0)
    empty = Column("number", np.full(ROWS, np.nan))
    table = Table({**table.columns, "void": empty, "gap": empty}, table.origin)
    with pytest.raises(DataError, match=r"column 'void' of table.csv has no value"):
        fit_features(list(table.columns), table, 10, standardize=True)


@pytest.mark.parametrize("shape", [(ROWS, 3), (ROWS, 2, 4, 4)], ids=["rows", "images"])
def test_booleans_in_arrays_stay_as_they_are(shape: tuple[int, ...]) -> None:
    values = (np.random.default_rng(0).random(shape) > 0.3).astype(float)
    table = Table({"x": Column("boolean", values)}, "rows.npz")
    fitted = fit_features(["x"], table, 10, standardize=True)
    assert fitted[0].scale is None
    assert np.array_equal(_preprocessing(fitted).inputs(table), values)


def test_names_where_a_number_was_are_refused_among_others() -> None:
    table = mixed_table(0.0)
    fitted = fit_features(["small", "plain"], table, 10, standardize=True)
    other = Table({**table.columns, "plain": table.columns["town"]}, "other.csv")
    with pytest.raises(DataError, match=r"column 'plain' of other.csv holds '[abc]'"):
        _preprocessing(fitted).inputs(other)


def _preprocessing(features: list[FittedColumn]) -> Preprocessing:
    width = sum(one.width for one in features)
    return Preprocessing(features, "regression", ["y"], [], None, None, [width], 1)


@pytest.mark.parametrize("unit", [1e200, 1e-200, 1e308])
@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 1, 1)])
def test_numbers_whose_squares_no_float_holds_are_refused(
    unit: float, shape: tuple[int, ...]
) -> None:
    values = np.array([1.0, 0.5, 0.25, 1.0]).reshape(shape)
    table = Table({"x": Column("number", values * unit)}, "far.csv")
    with pytest.raises(DataError, match=r"column 'x' of far\.csv holds numbers too large or too"):
        fit_features(["x"], table, 10, standardize=True)
    fit_features(["x"], Table({"x": Column("number", values * 1e100)}, ""), 10, standardize=True)
