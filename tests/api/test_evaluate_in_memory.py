"""`Run.evaluate`: rows and labels in every form that Python has them in, and in none."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch

import seedbed as front
from seedbed.api.rows import labelled
from seedbed.config.check import checked
from seedbed.data.splits import split_rows
from seedbed.data.target_values import class_names
from seedbed.errors import DataError
from seedbed.tables.sources import read_source
from seedbed.views.trained import load_trained

X = [[1, 2], [3, 4.5], [0, 7]]
Y = [3, 8, 7.5]
COLUMNS: dict[Any, Any] = {"x1": [1, 3, 0], "x2": [2, 4.5, 7], "y": Y}
FORMS = {
    "a dictionary": (COLUMNS, None),
    "pandas": (pd.DataFrame(COLUMNS), None),
    "polars": (pl.DataFrame({**COLUMNS, "y": Y}, strict=False), None),
    "arrow": (pa.table(COLUMNS), None),
    "lists": (X, Y),
    "a matrix of labels": (X, [[one] for one in Y]),
    "arrays": (np.array(X), np.array(Y)),
    "tensors": (torch.tensor(X), torch.tensor(Y)),
    "columns": (pd.DataFrame(COLUMNS)[["x1", "x2"]], pd.Series(Y, name="anything")),
    "frames": (pd.DataFrame(COLUMNS)[["x1", "x2"]], pd.DataFrame(COLUMNS)[["y"]]),
    "named rows": ([{"x1": a, "x2": b} for a, b in X], tuple(Y)),
}


@pytest.mark.parametrize("form", FORMS)
def test_labels_are_taken_in_every_form(sum_run: Path, form: str) -> None:
    run = front.load_run(sum_run)
    rows, targets = FORMS[form]
    found = run.evaluate(rows, targets)
    predicted = np.array(run.predict(X))[:, 0]
    assert found.n == 3
    assert found.metrics["mae"] == pytest.approx(np.abs(predicted - Y).mean(), rel=1e-6)


BAD = {
    "no labels": ((X,), "targets are missing: rows without names of columns hold none; pass"),
    "no label column": (({"x1": [1], "x2": [2], "z": [3]},), "no column 'y' in the table in"),
    "labels twice": ((COLUMNS, Y), "rows has the column 'y' too; leave out targets"),
    "too few": ((X, Y[:2]), "targets has 2 rows of labels for 3 rows; they must be as many"),
    "too wide": ((X, [[1, 2]] * 3), r"have 2 values a row \('y' 2\); the run predicts 1"),
    "texts": ((X, ["a", "b", "c"]), "column 'y' of targets holds 'a' in row 1, but numbers"),
    "one text": ((X, "abc"), "targets: column 'y' is 'abc', not rows"),
    "infinite": ((X, [1, 2, np.inf]), "no usable value in 1 of 3 rows, the first is row 3"),
    "none at all": ((X, [None] * 3), "no row of targets has a value in 'y'"),
    "groups of no columns": ((X, Y, "x1"), "by is a column of rows, which must have names then"),
    "no such groups": (
        (COLUMNS, None, "x3"),
        "by: no column 'x3' in the table in memory; columns are x1, x2, y",
    ),
    "groups by a list": ((COLUMNS, None, ["x1"]), "by: the name of a column must be a text"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_measured_is_told_in_one_line(sum_run: Path, name: str) -> None:
    words, message = BAD[name]
    with pytest.raises(DataError, match=message) as caught:
        front.load_run(sum_run).evaluate(*words)
    assert len(caught.value.problems) == 1


def test_a_run_on_a_dataset_takes_arrays_and_no_columns(sum_run: Path) -> None:
    fitted = load_trained(sum_run).preprocessing
    own = replace(fitted, features=[])
    with pytest.raises(DataError, match="trained on a Dataset class, so the table in memory has"):
        labelled(COLUMNS, None, None, own)
    found = labelled(np.array(X), Y, None, own)
    np.testing.assert_allclose(found.inputs, X)
    np.testing.assert_array_equal(found.targets, labelled(COLUMNS, None, None, fitted).targets)


def test_a_numbered_column_makes_groups(sum_run: Path) -> None:
    frame = pd.DataFrame({**COLUMNS, 3: [5, 5, 6]})
    found = front.load_run(sum_run).evaluate(frame, by=3)
    assert [(row["group"], row["n"]) for row in found.rows] == [("(all)", 3), ("5", 2), ("6", 1)]


def test_a_job_of_a_stack_has_its_test_metrics(iris_sweep: Path) -> None:
    run = front.load_sweep(iris_sweep)[0]
    data = checked(run.config).data
    table = read_source(data)
    rows = split_rows(data.split, 0, len(table), class_names(table, "target").ranks())["test"]
    columns = {name: one.values[rows] for name, one in table.columns.items()}
    columns["target"] = table.columns["target"].taken(rows).names().to_list()
    expected = {f"test/{name}": value for name, value in run.evaluate(columns).metrics.items()}
    told = {name: one for name, one in run.metrics.items() if name.startswith("test/")}
    assert told == pytest.approx(expected, rel=1e-5)
