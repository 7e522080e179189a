"""Rows that a program hands in are read as a file of the same rows is."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis.strategies as some
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch
from hypothesis import HealthCheck, given, settings

import seedbed as front
from seedbed import errors
from seedbed.api.handed import Handed, handed
from seedbed.api.requests import run_of
from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.handed_in import handing_in
from seedbed.tables.memory_table import table_in_memory
from seedbed.training.build_run import build_run
from seedbed.training.run_components import RunComponents

ROWS = 40
EPOCHS = "trainer.epochs=2"


def frame(rows: int = ROWS) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    made = pd.DataFrame(
        {
            "area": rng.normal(100, 20, rows),
            "rooms": rng.integers(1, 6, rows),
            "garden": rng.integers(0, 2, rows).astype(bool),
            "kind": rng.choice(["flat", "house", "hut"], rows),
        }
    )
    made.loc[3, "area"] = None
    made["price"] = made.rooms * 10.0 + made.garden * 5
    return made


def prepared(*overrides: str, data: Any = None, target: Any = None) -> RunComponents:
    """All that a run begins with."""
    parts = handed(overrides, data, target)
    with parts.found():
        request = run_of(overrides, parts)
        return build_run(request.config, AllowList(request.config.allow))


def beginning(plan: RunComponents) -> tuple[dict[str, Any], list[torch.Tensor], list[torch.Tensor]]:
    parts = (plan.data.train, plan.data.validation, plan.data.test)
    rows = [tensor for part in parts if part is not None for tensor in part.tensors]
    return plan.data.preprocessing.to_json(), rows, list(plan.model.state_dict().values())


def assert_same_beginning(one: RunComponents, other: RunComponents) -> None:
    (fitted, rows, weights), (fitted_too, rows_too, weights_too) = map(beginning, (one, other))
    assert fitted == fitted_too
    assert len(rows) == len(rows_too)
    assert all(torch.equal(a, b) for a, b in zip(rows, rows_too, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(weights, weights_too, strict=True))


def as_lists(table: pd.DataFrame) -> dict[str, list[Any]]:
    cells = table.astype(object).where(table.notna(), None)
    return {name: cells[name].tolist() for name in cells}


WAYS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pandas": lambda table: table,
    "pandas with an index": lambda table: table.set_axis([f"r{n}" for n in range(len(table))]),
    "pandas of Arrow": lambda table: table.convert_dtypes(dtype_backend="pyarrow"),
    "polars": pl.from_pandas,
    "Arrow": lambda table: pa.Table.from_pandas(table, preserve_index=False),
    "arrays": lambda table: {name: table[name].to_numpy() for name in table},
    "lists": as_lists,
    "a pair of frames": lambda table: (table.drop(columns="price"), table[["price"]]),
    "a frame and a column": lambda table: (table.drop(columns="price"), table["price"]),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_form_gives_what_a_file_gives(way: Callable) -> None:
    table = frame()
    table.to_csv("rows.csv", index=False)
    from_file = prepared("data=csv", "data.path=rows.csv", "data.target=price")
    target = None if isinstance(way(table), tuple) else "price"
    assert_same_beginning(from_file, prepared(data=way(table), target=target))


NAMES = some.text("abcxyz é", min_size=1, max_size=6).filter(lambda text: text.strip() == text)
KINDS = {
    "number": some.floats(-1e6, 1e6, width=64) | some.none(),
    "integer": some.integers(-(2**40), 2**40),
    "truth": some.booleans(),
    "name": some.sampled_from(["red", "green", "blue", "two words"]) | some.none(),
}


@some.composite
def tables(draw: some.DrawFn) -> dict[str, list[Any]]:
    rows = draw(some.integers(12, 24))
    names = draw(some.lists(NAMES, min_size=1, max_size=4, unique=True))
    columns = {}
    for name in names:
        cells = draw(some.sampled_from(sorted(KINDS)).map(KINDS.__getitem__))
        columns[name] = draw(some.lists(cells, min_size=rows, max_size=rows))
    columns["y"] = draw(some.lists(some.floats(-99, 99), min_size=rows, max_size=rows))
    return columns


@cache
def config_of(kind: str) -> RunConfig:
    """Of rows that lie in `rows.KIND`, or are handed in as `rows`."""
    place = "data.fingerprint=rows" if kind == "memory" else f"data.path=rows.{kind}"
    return run_of([f"data={kind}", place, "data.target=y"], Handed()).config


def attempt(kind: str, rows: Any = None) -> Any:
    """The beginning of a run, or that there is none."""
    items = {} if rows is None else {"rows": table_in_memory(rows)}
    try:
        with handing_in(items):
            return beginning(build_run(config_of(kind), AllowList()))
    except errors.DataError:
        return None


@pytest.mark.slow
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables())
def test_rows_in_memory_and_in_files_are_typed_alike(columns: dict[str, list[Any]]) -> None:
    table = pa.table(columns)
    pa.parquet.write_table(table, "rows.parquet")
    pandas = table.to_pandas()
    pandas.to_csv("rows.csv", index=False)
    files = [attempt(kind) for kind in ("parquet", "csv")]
    memory = [attempt("memory", one) for one in (columns, table, pandas, pl.from_arrow(table))]
    if files[0] is None:
        assert files == [None, None]
        assert memory == [None] * 4
        return
    for fitted, rows, weights in memory:
        assert fitted == files[0][0]
        assert all(torch.equal(a, b) for a, b in zip(rows, files[0][1], strict=True))
        assert all(torch.equal(a, b) for a, b in zip(weights, files[0][2], strict=True))
    if files[1] is not None and files[1][0] == files[0][0]:
        assert all(torch.equal(a, b) for a, b in zip(files[1][1], files[0][1], strict=True))


def test_arrays_are_named_and_images_keep_their_shape() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    plan = prepared(data=(x, y))
    assert [one.name for one in plan.data.preprocessing.features] == ["x1", "x2", "x3"]
    assert plan.data.preprocessing.target == ["y"]
    same = prepared(data=(torch.tensor(x), torch.tensor(y)))
    assert_same_beginning(plan, same)
    two = prepared(data=(x, rng.normal(size=(20, 2))), target=["left", "right"])
    assert two.data.preprocessing.target == ["left", "right"]
    images = rng.normal(size=(20, 4, 5))
    np.savez("rows.npz", x=images, y=y)
    layers = ["model=sequential", "model.layers=[Flatten,{Linear:8},ReLU,Linear]"]
    from_file = prepared("data=npz", "data.path=rows.npz", *layers)
    assert_same_beginning(from_file, prepared(*layers, data=(images, y)))
    assert_same_beginning(from_file, prepared(*layers, data={"x": images, "y": y}, target="y"))


def test_the_config_tells_what_the_rows_were(tmp_path: Path) -> None:
    run = front.train(EPOCHS, data=frame(), target="price", directory=tmp_path / "run")
    data = run.config["data"]
    assert (data["source"], data["target"]) == ("memory", "price")
    assert data["columns"] == ["area", "rooms", "garden", "kind", "price"]
    fingerprint = data["fingerprint"]
    changed = frame()
    changed.loc[0, "rooms"] += 1
    for rows, same in (
        (frame(), True),
        (changed, False),
        (frame().rename(columns={"kind": "k"}), False),
    ):
        other = front.train(EPOCHS, data=rows, target="price")
        assert (other.config["data"]["fingerprint"] == fingerprint) is same
    assert (run.path / ".hydra" / "overrides.yaml").read_text().startswith("- data=memory\n")


def test_a_run_goes_on_and_is_reproduced_with_its_rows(tmp_path: Path, seedbed: Callable) -> None:
    run = front.train(EPOCHS, data=frame(), target="price", directory=tmp_path / "run")
    assert front.reproduce(run.path, data=frame())
    longer = front.resume(run.path, "trainer.epochs=3", data=frame())
    assert longer.history["epoch"].tolist() == [1, 2, 3]
    whole = front.train("trainer.epochs=3", data=frame(), target="price")
    assert all((longer.weights()[k] == v).all() for k, v in whole.weights().items())
    with pytest.raises(errors.DataError, match="the rows are not those of the run"):
        front.resume(run.path, "trainer.epochs=4", data=frame()[::-1])
    for call in (front.reproduce, lambda path: front.resume(path, "trainer.epochs=4")):
        with pytest.raises(errors.DataError, match="was trained on rows in memory, which are not"):
            call(run.path)
    for words in (["reproduce", run.path], ["resume", run.path, "trainer.epochs=4"]):
        said = seedbed(*words)
        assert (said.code, len(said.errors)) == (2, 1)
        assert f"type seedbed.resume('{run.path}', data=rows)" in said.errors[0]
    rows = frame().drop(columns="price").head(3)
    rows.to_csv("new.csv", index=False)
    told = seedbed("predict", run.path, "--file", "new.csv", "--json")
    assert json.loads(told.out)["predictions"] == list(longer.predict(rows))


def test_a_sweep_over_rows_in_memory(tmp_path: Path, seedbed: Callable) -> None:
    words = ("optimizer.lr=0.01,0.001", "seed=1,2", EPOCHS)
    sweep = front.sweep(*words, data=frame(), target="price", directory=tmp_path / "sweep")
    assert sweep.statuses == {"completed": 4}
    single = front.train("optimizer.lr=0.001", "seed=2", EPOCHS, data=frame(), target="price")
    assert sweep[3].metrics["train/loss"] == pytest.approx(single.metrics["train/loss"], rel=1e-4)
    assert front.reproduce(sweep[0].path, data=frame())
    (sweep[2].path / "status.json").write_text('{"status": "failed"}')
    said = seedbed("resume", sweep.path)
    assert (said.code, len(said.errors)) == (2, 1)
    assert f"type seedbed.resume('{sweep.path}', data=rows)" in said.errors[0]
    with pytest.raises(errors.DataError, match="the rows are not those of the sweep"):
        front.resume(sweep.path, data=frame(30))
    assert front.resume(sweep.path, data=frame()).statuses == {"completed": 4}


def test_validate_reports_the_columns() -> None:
    report = front.validate(data=frame(), target="price")
    assert [(one.name, one.role) for one in report.columns][:2] == [
        ("area", "feature"),
        ("rooms", "feature"),
    ]
    assert report.columns[0].missing == 1


class Odd:
    def __repr__(self) -> str:
        return "Odd()"


WRONG: dict[str, tuple[Any, Any, tuple[str, ...], str]] = {
    "no target": (frame(), None, (), "target: name the column to predict, such as target='price'"),
    "target not there": (frame(), "prise", (), "no column 'prise' .* did you mean 'price'"),
    "unequal lengths": ({"a": [1, 2], "b": [1]}, "b", (), "differ in their number of rows: a 2"),
    "empty": (frame()[:0], "price", (), "data has no rows"),
    "one row": (frame()[:1], "price", (), "the table in memory has one row only"),
    "no columns": ({}, "y", (), "data has no columns"),
    "an object": ({"a": [1, Odd()], "b": [1, 2]}, "b", (), r"row 2 of column 'a' holds Odd\(\)"),
    "kinds mixed": ({"a": [1, "x"], "b": [1, 2]}, "b", (), "row 2 of column 'a' holds 'x', a str"),
    "lists as cells": (
        pd.DataFrame({"a": [[1], [2, 3]], "b": [1, 2]}), "b", (), "column 'a' holds list"),
    "y of another length": ((np.zeros((3, 2)), [1, 2]), None, (), "X has 3 rows, y has 2"),
    "names of y": ((np.zeros((3, 2)), [1, 2, 3]), ["a", "b"], (), "target has 2 names, y has 1"),
    "y named as a column": (({"y": [1, 2]}, [1, 2]), None, (), "target: 'y' is a column of X too"),
    "columns twice": (pd.DataFrame([[1, 2]], columns=["a", "a"]), "a", (), "column 'a' more than"),
    "a name and a number": ({1: [1, 2], "1": [3, 4]}, "1", (), "column '1' more than once"),
    "no table": (3, "y", (), "data must be a DataFrame of pandas or polars, .* got int"),
    "a name": ("houses.csv", "y", (), "data must be a DataFrame .* got str"),
    "a number as a column": ({"a": 3, "b": [1]}, "b", (), "column 'a' is 3, not rows"),
    "no names": ({None: [1, 2], "b": [1, 2]}, "b", (), "the name of a column must be a text"),
    "a column": (frame()["area"], "area", (), "data must be a DataFrame .* got Series"),
    "target is no name": (frame(), 2.5, (), "target: the name of a column .* got 2.5"),
    "targets are no names": (frame(), [b"price"], (), "target: the name of a column must be"),
    "a path beside": (frame(), "price", ("data.path=x.csv",), "leave out it or 'data.path=x.csv'"),
    "another source": (frame(), "price", ("data=csv",), "leave out it or 'data=csv'"),
    "another target": (frame(), "price", ("data.target=kind",), "leave out it or 'data.target="),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "target", "words", "told"), WRONG.values(), ids=WRONG)
def test_wrong_rows_are_refused(rows: Any, target: Any, words: tuple, told: str) -> None:
    with pytest.raises(errors.SeedbedError, match=told) as caught:
        front.train(*words, data=rows, target=target)
    assert len(caught.value.problems) == 1
    assert not Path("outputs").exists()


def test_a_target_among_numbered_columns_is_a_number(tmp_path: Path) -> None:
    numbered = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 3)))
    words = ["trainer.epochs=1"]
    run = front.train(*words, data=numbered, target=2, directory=tmp_path / "number")
    same = front.train(*words, data=numbered, target="2", directory=tmp_path / "text")
    assert run.config["data"]["columns"] == ["0", "1", "2"]
    assert run.metrics == same.metrics


def test_the_command_line_has_no_rows_in_memory(seedbed: Callable) -> None:
    said = seedbed("train", "data=memory", "data.target=y")
    assert (said.code, len(said.errors)) == (2, 1)
    assert "call seedbed.train(data=rows, target=NAME)" in said.errors[0]


def test_histories_and_predictions_become_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = front.train(EPOCHS, data=frame(), target="price", directory=tmp_path / "run")
    history = run.history.to_pandas()
    assert list(history.columns) == list(run.history)
    assert history["epoch"].tolist() == [1, 2]
    predicted = run.predict(frame().drop(columns="price"))
    assert predicted.to_pandas()["price_prediction"].tolist() == [one for (one,) in predicted]
    with (
        without_pandas(monkeypatch),
        pytest.raises(errors.SeedbedError, match="pip install pandas"),
    ):
        run.history.to_pandas()


@contextmanager
def without_pandas(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import sys

    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pandas", None)
        yield
