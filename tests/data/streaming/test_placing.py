"""Rows that a compiled function places have the bits that NumPy gives them, whatever they hold."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from support.parquet_rows import STREAM, prepared, write

from seedbed.compiler.compilation import Compilation
from seedbed.data.prepared import PreparedData
from seedbed.data.streaming import placing
from seedbed.data.streaming.rows import StreamedRows
from seedbed.errors import DataError
from seedbed.tables import parquet_stream
from seedbed.tables.table import Column, Table

ROWS = 700
SMALLEST, LARGEST = 5e-324, 3e38


def hostile(seed: int) -> Any:
    """Columns of every kind, with gaps, and numbers at the ends of what there is."""
    drawn = np.random.default_rng(seed)
    number = np.arange(ROWS)
    gap = drawn.random(ROWS) < 0.2
    edges = np.array([0.0, -0.0, SMALLEST, -SMALLEST, 1e-310, LARGEST, -LARGEST, 1.0, np.nan])
    text = [None if one % 11 == 7 else f"name {one % 90}" for one in number]
    return pa.table(
        {
            "plain": drawn.standard_normal(ROWS),
            "edges": edges[drawn.integers(0, len(edges), ROWS)],
            "gaps": pa.array(drawn.standard_normal(ROWS) * 1e6, mask=gap),
            "single": pa.array(drawn.standard_normal(ROWS).astype(np.float32), mask=gap),
            "whole": pa.array(drawn.integers(-(2**60), 2**60, ROWS), mask=gap),
            "small": number.astype(np.uint8),
            "same": np.full(ROWS, 0.1),
            "truth": pa.array(number % 3 == 0, mask=gap),
            "money": [Decimal(int(one)) / 100 for one in number % 57],
            "day": pa.array(number.astype("datetime64[D]")),
            "many": text,
            "few": ["a", "b"] * (ROWS // 2),
            "rare": [f"only {one}" if one % 97 == 0 else "often" for one in number],
            "y": drawn.standard_normal(ROWS),
            "k": [("no", "yes", "perhaps")[one % 3] for one in number],
        }
    )


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Has every stream compile; whether the function took each table that was to be placed."""
    told: list[bool] = []
    placed = placing.Placing.placed
    monkeypatch.setattr(placing, "REPAYS", 0)
    monkeypatch.setattr(
        placing.Placing, "placed", lambda *given: told.append(placed(*given)) or told[-1]
    )
    return told


def bits(data: PreparedData) -> list[bytes]:
    """Of all splits, in places that are shuffled, and one after the other."""
    found = []
    for part in (data.train, data.validation, data.test):
        assert isinstance(part, StreamedRows)
        order = np.random.default_rng(5).permutation(len(part))
        x, y = (np.zeros_like(one) for one in part.empty(len(part)))
        start = 0
        for block in part.blocks:
            part.fill(block, x, y, order[start : start + block.rows])
            start += block.rows
            found += [one.tobytes() for one in part.block(block)]
        found += [x.tobytes(), y.tobytes()]
    return found


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("target", ["y", "k"])
@pytest.mark.parametrize("standardize", [True, False])
def test_hostile_columns_have_numpys_bits(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    compiled: list[bool],
    seed: int,
    target: str,
    *,
    standardize: bool,
) -> None:
    path = write(hostile(seed), tmp_path / "one.parquet", group=150)
    words = [*STREAM, f"data.standardize={str(standardize).lower()}", "data.max_categories=1000"]
    words += ["data.split.test=0.2", "data.split.validation=0.2"]
    data = prepared(path, *words, target=target)
    assert bits(data)
    assert set(compiled) == {True}
    monkeypatch.setattr(placing.Placing, "placed", lambda *given: False)
    assert bits(prepared(path, *words, target=target)) == bits(data)


@pytest.mark.parametrize("target", ["y", "k"])
def test_columns_that_are_decoded_in_turn_have_the_bits_of_those_that_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled: list[bool], target: str
) -> None:
    path = write(hostile(4), tmp_path / "one.parquet", group=150)
    words = [*STREAM, "data.split.test=0.2", "data.max_categories=1000"]
    asked: list[int] = []
    whole = parquet_stream.decoded_whole
    monkeypatch.setattr(
        parquet_stream, "decoded_whole", lambda *given: asked.append(1) or whole(*given)
    )
    in_turn = bits(prepared(path, *words, target=target))
    assert asked
    monkeypatch.setattr(parquet_stream, "decoded_whole", lambda *given: [])
    assert bits(prepared(path, *words, target=target)) == in_turn
    assert set(compiled) == {True}


def fitted(path: Path, *words: str) -> StreamedRows:
    train = prepared(path, *STREAM, "data.features=[plain,few]", *words).train
    assert isinstance(train, StreamedRows)
    return train


@pytest.mark.parametrize(
    ("values", "names", "said"),
    [
        ([0.0, np.inf], ["a", "b"], r"row 2 of later holds an infinite number"),
        ([1e300, 0.0], ["a", "b"], r"row 1 of later holds an infinite number, or one beyond"),
        ([0.0, 1.0], ["a", "c"], r"'few' of later, row 2: 'c' was not in the training rows"),
    ],
    ids=["infinite", "large", "unseen"],
)
def test_what_cannot_be_an_input_is_told_by_numpy(
    tmp_path: Path, compiled: list[bool], values: list[float], names: list[str], said: str
) -> None:
    train = fitted(write(hostile(0), tmp_path / "one.parquet"), "data.unknown=error")
    train.block(train.blocks[0])
    assert set(compiled) == {True}
    table = Table(
        {
            "plain": Column("number", np.array(values)),
            "few": Column("category", np.array([0, 1], np.int32), different=names),
            "y": Column("number", np.zeros(2)),
        },
        "later",
    )
    x, y = train.empty(2)
    assert not train._placing.placed(table, x, y, np.arange(2))
    with pytest.raises(DataError, match=said):
        train.preprocessing.inputs(table)


@pytest.mark.parametrize("why", ["no compiler", "other bits"])
def test_without_a_function_that_agrees_numpy_places_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled: list[bool], why: str
) -> None:
    path = write(hostile(0), tmp_path / "one.parquet")
    train = fitted(path)
    x, y = train.block(train.blocks[0])
    assert set(compiled) == {True}
    compiled.clear()
    if why == "no compiler":
        monkeypatch.setenv("CC", "nowhere")
    else:
        text = placing.text_of
        monkeypatch.setattr(
            placing, "text_of", lambda *given: text(*given).replace("- subtracted)", ")")
        )
    train = fitted(path)
    found = train.block(train.blocks[0])
    assert set(compiled) == {False}
    assert [one.tobytes() for one in found] == [x.tobytes(), y.tobytes()]


def test_few_rows_have_what_was_compiled_for_many_and_nothing_compiled_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled: list[bool]
) -> None:
    monkeypatch.setattr(placing, "REPAYS", ROWS * 10)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = write(hostile(0), tmp_path / "one.parquet")
    for made in (False, True):
        train = fitted(path)
        train.block(train.blocks[0])
        assert compiled[-1] == made
        assert bool([*(tmp_path / "cache").rglob("*.so")]) == made
        Compilation(placing.text_of(3, 4)).wait()
