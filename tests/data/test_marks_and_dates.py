"""Marks of missing values, and parts of dates: the same from every format, and pandas' own."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.command_line import Command
from support.houses import prepared_data, write_csv

import seedbed as package
from seedbed.data.json_rows import rows_from_json
from seedbed.errors import DataError
from seedbed.tables.date_parts import PARTS, date_parts
from seedbed.tables.dates import day_numbers
from seedbed.tables.text_form import ISO

MOMENTS = st.datetimes(
    min_value=pd.Timestamp("1700-01-01").to_pydatetime(),
    max_value=pd.Timestamp("2260-01-01").to_pydatetime(),
)
PANDAS = {"weekday": "day_of_week"}
ALL = [*PARTS, "number"]


@settings(deadline=None, max_examples=60)
@given(moments=st.lists(MOMENTS, min_size=1, max_size=8))
def test_parts_are_those_of_pandas(moments: list[Any]) -> None:
    days = day_numbers([one.isoformat(sep=" ") for one in moments], ISO)
    found = date_parts(days, ALL)
    theirs = pd.Series(pd.to_datetime(moments))
    for place, part in enumerate(PARTS):
        assert found[:, place].tolist() == getattr(theirs.dt, PANDAS.get(part, part)).tolist(), part
    assert found[:, -1].tolist() == days.tolist()


def test_parts_of_a_moment_with_a_zone_are_those_in_utc() -> None:
    texts = ["2024-01-01 00:30+02:00", "2023-12-31T23:30:00-05:00", "2024-02-29 12:00Z"]
    found = date_parts(day_numbers(texts, ISO), [*PARTS])
    theirs = pd.Series(pd.to_datetime(texts, format="ISO8601", utc=True))
    for place, part in enumerate(PARTS):
        assert found[:, place].tolist() == getattr(theirs.dt, PANDAS.get(part, part)).tolist()


def test_a_missing_date_has_no_parts() -> None:
    found = date_parts(np.array([np.nan, 0.5]), ["month", "hour"])
    assert np.isnan(found[0]).all()
    assert found[1].tolist() == [1, 12]


def table(rows: int = 40) -> dict[str, list[Any]]:
    draw = np.random.default_rng(2)
    moments = pd.Timestamp("2023-11-05") + pd.to_timedelta(draw.integers(0, 4000, rows), unit="h")
    return {
        "at": [one.isoformat(sep=" ") for one in moments],
        "a": [-999 if n % 7 == 2 else int(n) for n in draw.integers(0, 50, rows)],
        "b": [-1.0 if n < 0.2 else float(n) for n in draw.random(rows)],
        "c": ["?" if n == 0 else "uvw"[n % 3] for n in draw.integers(0, 6, rows)],
        "y": draw.normal(size=rows).round(4).tolist(),
    }


WORDS = [
    *("data.target=y", "data.missing={a: [-999], b: -1, c: '?'}"),
    "data.dates={at: [number, month, weekday, hour]}",
]


def test_csv_and_parquet_are_read_alike(tmp_path: Path) -> None:
    columns = table()
    path = write_csv(tmp_path / "rows.csv", columns)
    one = prepared_data("data=csv", f"data.path={path}", *WORDS)
    for name, at in (("text", columns["at"]), ("typed", pd.to_datetime(columns["at"]))):
        frame = pd.DataFrame({**columns, "at": at})
        frame.to_parquet(tmp_path / f"{name}.parquet", index=False)
        other = prepared_data("data=parquet", f"data.path={tmp_path}/{name}.parquet", *WORDS)
        assert (one.train.tensors[0] == other.train.tensors[0]).all()
        assert one.preprocessing.to_json()["features"] == other.preprocessing.to_json()["features"]
    assert [name for feature in one.preprocessing.features for name in feature.input_names] == [
        *("at.number", "at.month", "at.weekday", "at.hour", "a", "b", "c=u", "c=v", "c=w", "c="),
    ]


def test_a_mark_in_every_column_means_its_value(tmp_path: Path) -> None:
    lines = ["a,b,y", "-999,1,1", "-999.0,2,2", "-9.99e2,-999,3", "5,4,4", "7,5,5"]
    (tmp_path / "rows.csv").write_text("\n".join([*lines, ""]))
    words = [f"data.path={tmp_path / 'rows.csv'}", "data.target=y", "data.missing=[-999]"]
    data = prepared_data("data=csv", *words, "data.split={validation:0,test:0}")
    assert [one.mean for one in data.preprocessing.features] == [6, 3]
    rows = rows_from_json([[-999, -999.0], [6, 3]], data.preprocessing)
    assert rows.inputs[0].tolist() == rows.inputs[1].tolist()


@pytest.mark.parametrize(
    ("mark", "mean"),
    [("'-1.000'", 2), ("'-1.000,5'", -332.667), ("-1000", 2), ("-1", -331)],
)
def test_a_mark_is_read_as_the_cells_are(tmp_path: Path, mark: str, mean: float) -> None:
    """Where a point parts thousands, a thousand is no one."""
    cells = ["-1.000", "-1", "-1.000,5", "3"] if "," in mark else ["-1.000", "-1", "5", "2"]
    path = write_csv(tmp_path / "rows.csv", {"a": cells, "y": [1, 2, 3, 5]})
    form = ["data.decimal=','", "data.thousands='.'", "data.split={validation:0,test:0}"]
    words = ["data=csv", f"data.path={path}", "data.target=y", *form, f"data.missing=[{mark}]"]
    (feature,) = prepared_data(*words).preprocessing.features
    assert feature.mean == pytest.approx(mean, rel=1e-3)


def test_predictions_of_every_form_are_the_same(seedbed: Command, tmp_path: Path) -> None:
    columns = table()
    path = write_csv(tmp_path / "rows.csv", columns)
    run = seedbed("train", "data=csv", f"data.path={path}", *WORDS, "trainer.epochs=2").run
    kept = json.loads((run / "preprocessing.json").read_text())["text"]
    assert kept["parts"] == {"at": ["number", "month", "weekday", "hour"]}
    assert kept["marks"] == {"a": ["-999"], "b": ["-1"], "c": ["?"]}
    loaded = package.load_run(run)
    frame = pd.DataFrame(columns).drop(columns="y")
    typed = frame.assign(at=pd.to_datetime(frame["at"]))
    frame.to_csv(tmp_path / "new.csv", index=False)
    typed.to_parquet(tmp_path / "new.parquet", index=False)
    expected = np.asarray(loaded.predict(frame.to_dict("records")))
    for rows in (frame, typed, frame.to_numpy().tolist()):
        assert np.array_equal(np.asarray(loaded.predict(rows)), expected)
    for name in ("new.csv", "new.parquet"):
        told = seedbed("predict", run, "--file", tmp_path / name, "--json")
        assert json.loads(told.out)["predictions"] == expected.tolist()


def test_a_table_in_memory_is_read_alike(tmp_path: Path) -> None:
    columns = table()
    path = write_csv(tmp_path / "rows.csv", columns)
    one = package.train("data=csv", f"data.path={path}", *WORDS, "trainer.epochs=1")
    frame = pd.DataFrame({**columns, "at": pd.to_datetime(columns["at"])})
    other = package.train(*WORDS[1:], "trainer.epochs=1", data=frame, target="y")
    assert one.metrics == other.metrics


def test_runs_without_them_have_nothing_more_in_their_file(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "rows.csv", {"a": [1, 2, 3], "y": [1, 2, 4]})
    data = prepared_data("data=csv", f"data.path={path}", "data.target=y", "data.split.test=0",
                         "data.split.validation=0")  # fmt: skip
    plain = data.preprocessing.to_json()
    assert "weight" not in plain
    assert not {"marks", "parts"} & {*plain["text"]}
    assert "parts" not in plain["features"][0]


def test_dates_of_another_form_are_refused_with_what_to_type(tmp_path: Path) -> None:
    """The first of these is a day of either month, and nobody is asked to guess."""
    path = write_csv(
        tmp_path / "rows.csv", {"day": ["10/9/2016", "30/9/2016"] * 9, "y": [*range(18)]}
    )
    words = ["data=csv", f"data.path={path}", "data.target=y"]
    with pytest.raises(
        DataError, match=r"row 1 .line 2. holds '10/9/2016'.*form: .%d.%m.%Y., parts"
    ):
        prepared_data(*words, "data.dates={day: [month]}")
    found = prepared_data(*words, "data.dates={day: {form: '%d/%m/%Y', parts: [month]}}")
    assert found.preprocessing.features[0].mean == [9]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["data.dates={at: [moon]}"], r"'at': no part 'moon' of a date; there are number, year"),
        (["data.dates={at: [hour, hour]}"], "parts must be one or more, and all differ"),
        (["data.dates={at: {parts: [hour], zone: x}}"], "'at' has no key 'zone'"),
        (["data.dates={at: {parts: hour}}"], r"'at': parts must be a list .* got 'hour'"),
        (["data.dates={at: {form: '%Y'}}"], r"row 1 .line 2. holds '2024-03-23 14:00:00'"),
        (["data.dates={nothing: [hour]}"], "no column 'nothing'"),
        (["data.dates={c: [hour]}"], "column 'c' of rows.csv holds '.' in row 1|column 'c'"),
        (["data.missing={nothing: [1]}"], "data.missing: no column 'nothing'"),
        (["data.missing={a: {b: 1}}"], "data.missing: 'a' must have words or numbers"),
        (["data.missing={c: ['?', u, v, w]}"], "column 'c' .* has no value in any training row"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told(tmp_path: Path, words: list[str], told: str) -> None:
    path = write_csv(tmp_path / "rows.csv", table())
    with pytest.raises(DataError, match=told):
        prepared_data("data=csv", f"data.path={path}", "data.target=y", *words)
