"""A row becomes the same inputs whichever file, format, order of columns or company it comes in."""

import csv
import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.composing import composed_quickly

from seedbed.data.json_rows import rows_from_json
from seedbed.data.new_rows import opened_rows, rows_from_file
from seedbed.data.prepared import PreparedData, prepare_data

Columns = dict[str, list[Any]]

REALS = st.floats(-1e6, 1e6).filter(
    lambda real: not 0 < abs(real) < 1e-100  # too small to measure a deviation, and refused
) | st.integers(-1000, 1000).map(float)
DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2030, 12, 31))
MOMENTS = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2030, 12, 31)) | DAYS.map(
    lambda day: dt.datetime(day.year, day.month, day.day)
)
CODES = ["007", "7", "7.0", "10.0", "1.50", "1.5", "A1", "1e3", "-0", "+5", " x", "x ", "NA", "nan"]
TEXT = st.text(
    st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(' ,;"\n\t'), max_size=6
)

KINDS: dict[str, st.SearchStrategy[Any]] = {
    "real": REALS,
    "whole": st.integers(-(10**6), 10**6),
    "truth": st.booleans(),
    "mixed": st.sampled_from([True, False, "Unknown"]),
    "code": st.sampled_from(CODES),
    "wide": st.integers(-(2**63), 2**63 - 1),
    "price": st.sampled_from([0.0, 0.1, 1.0, 1.5, 2.0, 1e16, 1e-7]),
    "day": DAYS,
    "moment": MOMENTS,
    "time": st.times().map(lambda one: one.replace(microsecond=0)),
    "text": TEXT.map(lambda text: f"{text}_"),
}
"""What a column may hold; the names of columns begin so."""

NAMED = ("code", "wide", "price")
"""Kinds that are names by `data.categories`, as they may hold nothing but numbers."""


@st.composite
def tables(draw: st.DrawFn) -> Columns:
    """Columns of some kinds, with gaps; each has a value."""
    rows = draw(st.integers(3, 12))
    columns: Columns = {}
    for kind in draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=5)):
        gap = st.none() if draw(st.booleans()) else KINDS[kind]
        cells = draw(st.lists(KINDS[kind] | gap, min_size=rows, max_size=rows))
        columns[f"{kind}{len(columns)}"] = [draw(KINDS[kind]), *cells[1:]]
    return columns


def typed(columns: Columns) -> pa.Table:
    """As a library would type this very file: a column of True and False alone is no text."""

    def array(cells: list[Any]) -> pa.Array:
        kinds = {type(one) for one in cells if one is not None}
        if len(kinds) > 1:
            cells = [None if one is None else str(one) for one in cells]
        return pa.array(cells, pa.string() if not kinds else None)

    return pa.table({name: array(cells) for name, cells in columns.items()})


def by_python(path: Path, columns: Columns, delimiter: str = ",") -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow(["" if one is None else one for one in row])


def by_arrow(path: Path, columns: Columns) -> None:
    pa.csv.write_csv(typed(columns), path)


def as_tsv(path: Path, columns: Columns) -> None:
    by_python(path, columns, "\t")


def as_parquet(path: Path, columns: Columns) -> None:
    pa.parquet.write_table(typed(columns), path)


def as_dictionaries(path: Path, columns: Columns) -> None:
    """Parquet whose columns of text are dictionaries, as pandas writes its categories."""
    table = typed(columns)
    arrays = [
        one.dictionary_encode() if pa.types.is_string(one.type) else one for one in table.columns
    ]
    pa.parquet.write_table(pa.table(dict(zip(table.column_names, arrays, strict=True))), path)


def as_floats(path: Path, columns: Columns) -> None:
    """Integers with gaps as floats, which pandas makes of them; those that floats can hold."""
    by_python(path, {name: _floats(name, cells) for name, cells in columns.items()})


def _floats(name: str, cells: list[Any]) -> list[Any]:
    if not name.startswith("whole"):
        return cells
    return [None if one is None else float(one) for one in cells]


WRITERS: dict[str, tuple[str, Callable[[Path, Columns], None]]] = {
    "python's csv": (".csv", by_python),
    "arrow's csv": (".csv", by_arrow),
    "tsv": (".tsv", as_tsv),
    "parquet": (".parquet", as_parquet),
    "dictionaries": (".parquet", as_dictionaries),
    "floats": (".csv", as_floats),
}


@cache
def config(source: str) -> Any:
    """All rows train; the path and what is named are put in later."""
    words = [f"data={source}", "data.path=x", "data.target=y", "data.split={validation:0,test:0}"]
    return composed_quickly(words).config.data


def prepared(path: Path, columns: Columns) -> PreparedData:
    """The data of a run on a file."""
    named = [name for name in columns if name.startswith(NAMED)]
    plain = config("parquet" if path.suffix == ".parquet" else "csv")
    return prepare_data(replace(plain, path=str(path), categories=named), 0)


def json_rows(columns: Columns) -> list[dict[str, Any]]:
    plain = {name: [_json(one) for one in cells] for name, cells in columns.items()}
    rows = [dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)]
    return json.loads(json.dumps(rows))


def _json(value: Any) -> Any:
    return str(value) if isinstance(value, dt.date | dt.time) else value


def taken(
    columns: Mapping[str, Sequence[Any]], rows: Sequence[int], names: Sequence[str]
) -> Columns:
    return {name: [columns[name][row] for row in rows] for name in names}


@pytest.mark.parametrize("trained_on", ["python's csv", "arrow's csv", "tsv", "parquet"])
@settings(max_examples=25, deadline=None)
@given(columns=tables(), data=st.data())
def test_a_row_is_the_same_in_every_form_and_company(
    tmp_path_factory: pytest.TempPathFactory, trained_on: str, columns: Columns, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("forms")
    rows = len(next(iter(columns.values())))
    ending, write = WRITERS[trained_on]
    write(folder / f"train{ending}", {**columns, "y": [float(row % 3) for row in range(rows)]})
    run = prepared(folder / f"train{ending}", columns)
    expected = run.train.tensors[0].numpy()
    which = data.draw(st.lists(st.integers(0, rows - 1), min_size=1, unique=True), "rows")
    names = data.draw(st.permutations(list(columns)), "order of columns")
    part = taken(columns, which, names)
    for name, (ending, write) in WRITERS.items():
        path = folder / f"{name}{ending}"
        write(path, part)
        if ending != ".parquet" and len(columns) == 1 and None in next(iter(part.values())):
            continue  # a line with nothing on it is no row
        found = rows_from_file(opened_rows(path, {}), run.preprocessing)
        np.testing.assert_array_equal(found.inputs, expected[which], err_msg=name)
        assert not found.notes, name
    found = rows_from_json(json_rows(part), run.preprocessing)
    np.testing.assert_array_equal(found.inputs, expected[which], err_msg="json")
    assert not found.notes
