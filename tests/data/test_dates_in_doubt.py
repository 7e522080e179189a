"""Dates without marks, with slips among them, or in several forms: never names in silence."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.command_line import Command
from support.houses import prepared_data

from seedbed.data.prepared import PreparedData
from seedbed.errors import DataError
from seedbed.tables.compact_dates import compact_form
from seedbed.tables.dates import FORMS, TIMES, day_number, forms_of_one

UNSPLIT = ("data.split={validation: 0, test: 0}", "data.standardize=false")
DAYS = [dt.date(2024, 1, 29) + dt.timedelta(days=9 * n) for n in range(20)]
NUMBERS = [(day - dt.date(1970, 1, 1)).days for day in DAYS]


def table(path: Path, days: list[Any]) -> Path:
    """A column `day`, again and again in 20 rows, and a target."""
    cells = [days[row % len(days)] for row in range(20)]
    if path.suffix == ".parquet":
        pa.parquet.write_table(pa.table({"day": pa.array(cells), "y": np.arange(20.0)}), path)
    else:
        lines = [f"{'' if one is None else one},{row}.5" for row, one in enumerate(cells)]
        path.write_text("\n".join(["day,y", *lines]) + "\n")
    return path


def data_of(path: Path, *words: str) -> PreparedData:
    source = path.suffix.removeprefix(".")
    return prepared_data(f"data={source}", f"data.path={path}", "data.target=y", *UNSPLIT, *words)


def column(data: PreparedData) -> list[float]:
    assert [one.kind for one in data.preprocessing.features] == ["number"]
    return data.train.tensors[0][:, 0].tolist()


def compact(form: str, kind: str) -> tuple[str, list[Any]]:
    """The ending of a file, and its cells."""
    texts = [day.strftime(form) for day in DAYS]
    if kind in ("csv", "quoted"):
        return ".csv", [f'"{one}"' if kind == "quoted" else one for one in texts]
    if kind == "floats of a csv":
        return ".csv", [float(one) for one in texts]
    made = {
        "integers": lambda one: int(one),
        "floats": lambda one: float(one),
        "decimals": lambda one: Decimal(f"{one}.00"),
        "text": lambda one: one,
    }
    return ".parquet", [made[kind](one) for one in texts]


class TestWithoutMarks:
    @pytest.mark.parametrize("form", ["%Y%m%d", "%d%m%Y", "%m%d%Y"])
    @pytest.mark.parametrize(
        "kind", ["csv", "quoted", "floats of a csv", "integers", "floats", "decimals", "text"]
    )
    def test_are_numbers_with_a_note_and_dates_where_it_is_typed(
        self, tmp_path: Path, form: str, kind: str
    ) -> None:
        ending, cells = compact(form, kind)
        path = table(tmp_path / f"table{ending}", cells)
        data = data_of(path)
        assert column(data) == [float(np.float32(float(day.strftime(form)))) for day in DAYS]
        typed = f'data.dates={{day: "{form}"}}'
        assert any(f"type '{typed}'" in note for note in data.notes), data.notes
        assert column(data_of(path, typed)) == NUMBERS
        assert data_of(path, typed).notes == []

    def test_are_dates_in_rows_to_predict_too(self, seedbed: Command, tmp_path: Path) -> None:
        path = table(tmp_path / "table.parquet", [int(day.strftime("%Y%m%d")) for day in DAYS])
        words = ["data=parquet", f"data.path={path}", "data.target=y", "trainer.epochs=1"]
        run = seedbed("train", *words, 'data.dates={day: "%Y%m%d"}').run
        by_file = seedbed("predict", run, "--file", path, "--json")
        rows = [[20240129], ["20240207"], [20240216.0]]
        by_row = seedbed("predict", run, "--input", json.dumps(rows), "--json")
        expected = json.loads(by_file.out)["predictions"][:3]
        np.testing.assert_allclose(json.loads(by_row.out)["predictions"], expected, rtol=1e-5)
        assert seedbed("predict", run, "--input", "[[20240230]]").code == 2

    @pytest.mark.parametrize(
        "cells",
        [
            [20240101, 20240102, 20241301],
            [20240230, 20240102, 20240103],
            [20240101.5, 20240102, 20240103],
            [19000101, 18991231, 19000102],
            [20240101, 20240102],
            [10000000, 20000000, 30000000],
        ],
    )
    def test_other_numbers_are_not_reported(self, tmp_path: Path, cells: list[Any]) -> None:
        assert data_of(table(tmp_path / "table.csv", cells)).notes == []

    @settings(max_examples=200, deadline=None)
    @given(st.lists(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 12, 31)), min_size=9))
    def test_every_date_of_two_centuries_is_seen(self, moments: list[dt.datetime]) -> None:
        for form in ("%Y%m%d", "%Y%m%d%H%M%S"):
            numbers = {float(one.strftime(form)) for one in moments}
            if len(numbers) >= 3:
                assert compact_form(np.array([*numbers, np.nan])) == form

    @settings(max_examples=200, deadline=None)
    @given(st.integers(19_000_101, 21_001_231))
    def test_a_number_is_a_date_where_the_calendar_has_it(self, number: int) -> None:
        rest = [19990101.0, 20240229.0, 20001231.0]
        try:
            dt.date.fromisoformat(f"{str(number)[:4]}-{str(number)[4:6]}-{str(number)[6:]}")
            expected = "%Y%m%d"
        except ValueError:
            expected = None
        assert compact_form(np.array([*rest, float(number)])) == expected

    @pytest.mark.parametrize(
        ("text", "form", "told"),
        [
            ("2024111", "%Y%m%d", None),
            ("202401311", "%Y%m%d", None),
            ("1022024", "%d%m%Y", "2024-02-01"),
            ("20240201 9:30", "%Y%m%d %H:%M", "2024-02-01"),
            ("2024201 09:30", "%Y%m%d %H:%M", None),
        ],
    )
    def test_digits_are_as_many_as_the_form_has(
        self, text: str, form: str, told: str | None
    ) -> None:
        found = day_number(text, form)
        expected = (
            None if told is None else (dt.date.fromisoformat(told) - dt.date(1970, 1, 1)).days
        )
        assert (found if found is None else int(found)) == expected

    def test_of_an_array_are_reported_too(self, tmp_path: Path) -> None:
        days = np.array([int(day.strftime("%Y%m%d")) for day in DAYS])
        np.savez(tmp_path / "rows.npz", day=days, y=np.arange(20.0))
        words = ["data=npz", f"data.path={tmp_path / 'rows.npz'}", "data.features=[day]"]
        data = prepared_data(*words, "data.target=y")
        assert any("write day numbers into the file" in note for note in data.notes)


ISO = [str(day) for day in DAYS]
GERMAN = [day.strftime("%d.%m.%Y") for day in DAYS]
MISSING = "'data.missing=[\"n/a?\"]'"
DROP = "'data.drop=[day]' to leave the column out"

SLIPS = {
    "a word among dates": (
        [*ISO[:3], "n/a?"],
        ["holds dates, but row 4 (line 5) holds 'n/a?'", MISSING],
    ),
    "no such day": ([*ISO[:9], "2024-02-30"], ["holds dates, but row 10 (line 11)"]),
    "another form": ([*ISO[:3], "32.1.2024"], ["row 4 (line 5) holds '32.1.2024'"]),
    "a word among dates of another form": (
        [*GERMAN[:4], "n/a?"],
        [f"written as '{GERMAN[0]}', and 'n/a?' in 4 of 20 rows", MISSING, '{day: "%d.%m.%Y"}'],
    ),
    "the word first": (["n/a?", *GERMAN[:4]], ["and 'n/a?' in 4 of 20 rows", MISSING]),
    "no such day of another form": (
        [*GERMAN[:4], "32.1.2024"],
        ["and '32.1.2024' in 4 of 20 rows", '{day: "%d.%m.%Y"}'],
    ),
    "a mark among dates of another form": (
        [*GERMAN[:4], "?"],
        ["and '?' in 4 of 20 rows", "'data.missing=[\"?\"]'"],
    ),
    "two forms": (
        [GERMAN[0], ISO[1], GERMAN[2], ISO[3]],
        [f"in several ways, such as '{GERMAN[0]}' and '{ISO[1]}'; write them alike"],
    ),
    "two forms and a word": (
        [GERMAN[0], ISO[1], GERMAN[2], ISO[3], GERMAN[4], "soon"],
        ["in several ways", "and other texts such as 'soon'"],
    ),
    "months by name": (["Jan 2024", "Feb 2024", "Mar 2024", "n/a?"], ['{day: "%b %Y"}', MISSING]),
}


class TestSlips:
    @pytest.mark.parametrize(("cells", "told"), SLIPS.values(), ids=SLIPS)
    @pytest.mark.parametrize("ending", ["csv", "parquet"])
    def test_are_refused_with_what_to_type(
        self, tmp_path: Path, cells: list[str], told: list[str], ending: str
    ) -> None:
        path = table(tmp_path / f"table.{ending}", cells)
        with pytest.raises(DataError) as refused:
            data_of(path)
        (problem,) = refused.value.problems
        for words in [*told, "'data.categories=[day]' if they are names", DROP]:
            expected = words if ending == "csv" else words.split(" (line")[0]
            assert expected in problem
        assert data_of(path, "data.categories=[day]").preprocessing.features[0].categories

    def test_what_is_typed_is_obeyed(self, tmp_path: Path) -> None:
        path = table(tmp_path / "table.csv", [*GERMAN[:19], "n/a?"])
        words = ['data.dates={day: "%d.%m.%Y"}', 'data.missing=["n/a?"]']
        assert column(data_of(path, *words))[:19] == NUMBERS[:19]

    @pytest.mark.parametrize(
        "cells",
        [
            ["2024-01-02", "never", "2024-03-04"],
            ["before", "2024-01", "after", "later", "2024-02", "2024-03", "soon"],
            ["A-01-02", "B-01-03", "C-02-04"],
        ],
    )
    def test_a_few_dates_among_words_are_names(self, tmp_path: Path, cells: list[str]) -> None:
        data = data_of(table(tmp_path / "table.csv", cells))
        assert data.preprocessing.features[0].kind == "category"


def test_a_slip_among_numbers_may_be_left_out_too(tmp_path: Path) -> None:
    path = table(tmp_path / "table.csv", ["1", "2", "3", "four"])
    with pytest.raises(DataError, match=r"holds numbers, but row 4.*data.missing=.*or 'data.drop="):
        data_of(path)
    (tmp_path / "target.csv").write_text("a,y\n" + "1,2\n" * 9 + "1,two\n")
    with pytest.raises(DataError, match=r"holds 'two'") as refused:
        data_of(tmp_path / "target.csv")
    assert "data.drop" not in refused.value.problems[0]  # of a target


def test_forms_that_are_not_tried_do_not_fit() -> None:
    moment = dt.datetime(2024, 11, 9, 16, 5, 7)
    dates = [moment.strftime(form) for form in FORMS]
    changed = [date[:4] + mark + date[4:] for date in dates[::4] for mark in "٣\ta,0"]
    timed = [moment.strftime(form + tail) for form in FORMS[::4] for tail in TIMES]
    found = set()
    for text in [*dates, *changed, *timed]:
        tails = TIMES if ":" in text else TIMES[:1]
        tried = [form + tail for form in FORMS for tail in tails]
        fit = [form for form in tried if day_number(text, form) is not None]
        assert forms_of_one(text, times=False) == fit
        found |= {*fit}
    assert {*FORMS} < found
