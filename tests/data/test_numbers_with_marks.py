"""Numbers that do not look like numbers: read as the config says, or refused with what to type."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.command_line import Command
from support.houses import prepared_data

from seedbed.data.prepared import PreparedData
from seedbed.errors import DataError
from seedbed.tables.cells import numbers
from seedbed.tables.text_form import CellForm

ROWS = 30
UNSPLIT = "data.split={validation: 0, test: 0}"


def written(path: Path, cells: list[str], name: str = "a", separator: str = ",") -> Path:
    """A table with a column of these cells, again and again, and a target."""
    quoted = ['"' + cells[row % len(cells)].replace('"', '""') + '"' for row in range(ROWS)]
    lines = [f'"{name}"{separator}y', *(f"{cell}{separator}{n}" for n, cell in enumerate(quoted))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def data_of(path: Path, *words: str) -> PreparedData:
    source = "parquet" if path.suffix == ".parquet" else "csv"
    return prepared_data(
        f"data={source}",
        f"data.path={path}",
        "data.target=y",
        UNSPLIT,
        "data.standardize=false",
        *words,
    )


def values(data: PreparedData) -> list[float]:
    assert [one.kind for one in data.preprocessing.features] == ["number"]
    return data.train.tensors[0][:, 0].tolist()


def typed(word: str) -> str:
    """An override as the shell hands it on: without the quotes around it."""
    return word.strip("'")


MARKED = {
    "decimal comma": (["0,5", "-1,25", "3"], ["'data.decimal=\",\"'"], [0.5, -1.25, 3]),
    "a thousand and a million": (
        ["1,234,567", "2", "1,000.5"],
        ["'data.thousands=\",\"'"],
        [1234567, 2, 1000.5],
    ),
    "points and a comma": (
        ["1.234.567,5", "-1.000,25", "7"],
        ["'data.decimal=\",\"'", "'data.thousands=\".\"'"],
        [1234567.5, -1000.25, 7],
    ),
    "spaces": (["1 234 567", "12 000", "5"], ["'data.thousands=\" \"'"], [1234567, 12000, 5]),
    "narrow spaces": (
        ["1\u202f234\u202f567", "12\u00a0000", "5.5"],
        ["'data.thousands=\" \"'"],
        [1234567, 12000, 5.5],
    ),
    "apostrophes": (["1'234'567", "5.5"], ["'data.thousands=\"'\"'"], [1234567, 5.5]),
    "percent": (["5%", "12.5 %", "-3%"], ["'data.units={a: \"%\"}'"], [5, 12.5, -3]),
    "a currency before": (["$5", "$ 7.25", "-$3"], ["'data.units={a: \"$\"}'"], [5, 7.25, -3]),
    "a currency behind, and commas": (
        ["5,50 €", "7,25 €", "3 €"],
        ["'data.decimal=\",\"'", "'data.units={a: \"€\"}'"],
        [5.5, 7.25, 3],
    ),
    "question marks": (
        ["?", "?", "?", "?", "1.5", "2.5", "3.5"],
        ["'data.missing=[\"?\"]'"],
        [2.5, 2.5, 2.5, 2.5, 1.5, 2.5, 3.5],
    ),
}


@pytest.mark.parametrize(("cells", "words", "expected"), MARKED.values(), ids=MARKED)
def test_marks_are_refused_with_what_to_type_and_that_reads_them(
    tmp_path: Path, cells: list[str], words: list[str], expected: list[float]
) -> None:
    path = written(tmp_path / "table.csv", cells)
    with pytest.raises(DataError) as refused:
        data_of(path)
    (problem,) = refused.value.problems
    assert all(word in problem for word in words), problem
    read = values(data_of(path, *map(typed, words)))
    assert read[: len(cells)] == pytest.approx(expected)
    table = pa.table({"a": [cells[n % len(cells)] for n in range(ROWS)], "y": range(ROWS)})
    pa.parquet.write_table(table, tmp_path / "table.parquet")
    assert values(data_of(tmp_path / "table.parquet", *map(typed, words))) == read


@pytest.mark.parametrize(("cells", "words", "expected"), MARKED.values(), ids=MARKED)
def test_a_target_with_marks_is_refused_likewise(
    tmp_path: Path, cells: list[str], words: list[str], expected: list[float]
) -> None:
    path = written(tmp_path / "table.csv", cells, name="t")
    asked = ["data.target=t", *(word.replace("{a:", "{t:") for word in words)]
    with pytest.raises(DataError, match="column 't'") as refused:
        data_of(path, "data.target=t")
    assert asked[1] in refused.value.problems[0]
    if "missing" in words[0]:
        return  # a target has no missing values
    data = data_of(path, *map(typed, asked))
    assert data.preprocessing.task == "regression"
    assert data.train.tensors[1][: len(cells), 0].tolist() == pytest.approx(expected)


def test_what_may_be_read_in_two_ways_is_reported_in_both(tmp_path: Path) -> None:
    path = written(tmp_path / "table.csv", ["1,500", "2,000", "3,250"])
    with pytest.raises(DataError, match=r"'data\.decimal=\",\"' or 'data\.thousands="):
        data_of(path)
    assert values(data_of(path, 'data.decimal=","'))[:3] == [1.5, 2.0, 3.25]
    assert values(data_of(path, 'data.thousands=","'))[:3] == [1500, 2000, 3250]


@pytest.mark.parametrize("word", ["", 'data.decimal=","', 'data.thousands=","'])
def test_numbers_in_several_ways_are_refused(tmp_path: Path, word: str) -> None:
    path = written(tmp_path / "table.csv", ["1,5", "1.5", "1,000"])
    with pytest.raises(DataError, match=r"holds numbers, but row|numbers written in several ways"):
        data_of(path, *([word] if word else []))


def test_they_are_names_if_the_config_says_so(tmp_path: Path) -> None:
    path = written(tmp_path / "table.csv", ["1,5", "2,5"])
    (feature,) = data_of(path, "data.categories=[a]").preprocessing.features
    assert feature.categories == ["1,5", "2,5"]


MISPLACED = {
    "a point among commas": (["1,5", "2,5", "1.5"], ['data.decimal=","']),
    "a comma in the wrong place": (["1,000", "2,000", "1,5"], ['data.thousands=","']),
    "no unit": (["5%", "5"], ['data.units={a: "%"}']),
    "another unit": (["5 kg", "5 lb"], ['data.units={a: "kg"}']),
    "another date": (["2024_01", "January"], ['data.dates={a: "%Y_%m"}']),
    "no such day": (["30.02.2024"], ['data.dates={a: "%d.%m.%Y"}']),
}


@pytest.mark.parametrize(("cells", "words"), MISPLACED.values(), ids=MISPLACED)
def test_a_cell_of_another_form_is_named(
    tmp_path: Path, cells: list[str], words: list[str]
) -> None:
    place = f"row {len(cells)} (line {len(cells) + 1})"
    with pytest.raises(DataError) as refused:
        data_of(written(tmp_path / "table.csv", cells), *words)
    assert f"{place} holds '{cells[-1]}'" in refused.value.problems[0] or (
        f"holds '{cells[-1]}' in {place}" in refused.value.problems[0]
    )


@settings(deadline=None, max_examples=60)
@given(
    given_numbers=st.lists(
        st.decimals(-(10**9), 10**9, places=3, allow_nan=False, allow_infinity=False),
        min_size=1,
        max_size=8,
    ),
    marks=st.sampled_from(
        [(".", None), (",", None), (".", ","), (",", "."), (".", " "), (",", "'")]
    ),
    missing=st.lists(st.sampled_from(["", "?", "NA", "null"]), max_size=3),
)
def test_numbers_come_back_from_any_form(
    given_numbers: list[Decimal], marks: tuple[str, str | None], missing: list[str]
) -> None:
    decimal, thousands = marks
    plain = [f"{one:{',' if thousands else ''}f}" for one in given_numbers]
    swapped = [one.replace(",", "T").replace(".", decimal) for one in plain]
    cells = [*(one.replace("T", thousands or "") for one in swapped), *missing]
    found = numbers(pa.array(cells), CellForm(["?"], decimal, thousands))
    expected = [*map(float, given_numbers), *[float("nan")] * len(missing)]
    np.testing.assert_array_equal(found, expected)


@settings(deadline=None, max_examples=30)
@given(
    cells=st.lists(st.from_regex(r"[+-]?[0-9]{1,6}(,[0-9]{0,4})?(e[+-]?[0-9])?", fullmatch=True))
)
def test_a_decimal_comma_is_read_as_arrow_reads_it(cells: list[str]) -> None:
    content = ("a\n" + "".join(f'"{cell}"\n' for cell in cells)).encode()
    options = pyarrow.csv.ConvertOptions(decimal_point=",", column_types={"a": pa.float64()})
    theirs = pyarrow.csv.read_csv(pa.BufferReader(content), convert_options=options)["a"]
    ours = numbers(pa.array(cells, pa.string()), CellForm(decimal=","))
    np.testing.assert_array_equal(ours, np.array(theirs.to_pylist(), dtype=float))


class TestDates:
    DAYS = tuple(f"2024-{1 + n // 28:02}-{1 + n % 28:02}" for n in range(ROWS))

    def test_iso_dates_are_day_numbers_with_a_note(self, tmp_path: Path) -> None:
        data = data_of(written(tmp_path / "table.csv", self.DAYS))
        expected = np.array(self.DAYS, dtype="datetime64[D]").astype(int).tolist()
        assert values(data) == expected
        assert data.preprocessing.text.dates == {"a": "iso"}
        (note,) = data.notes
        assert note.startswith("column 'a' of table.csv holds dates; it is read as days since")

    def test_dates_of_parquet_are_the_same(self, tmp_path: Path) -> None:
        plain = values(data_of(written(tmp_path / "table.csv", self.DAYS)))
        moments = np.array(self.DAYS, dtype="datetime64[ns]")
        columns = {
            "dates": pa.array(moments.astype("datetime64[D]")),
            "moments": pa.array(moments, pa.timestamp("ns")),
            "moments of a zone": pa.array(moments).cast(pa.timestamp("ns", "UTC")),
            "text": pa.array(self.DAYS),
        }
        for kind, cells in columns.items():
            path = tmp_path / "table.parquet"
            pa.parquet.write_table(pa.table({"a": cells, "y": range(ROWS)}), path)
            assert values(data_of(path)) == plain, kind

    @pytest.mark.parametrize(
        ("form", "is_iso"),
        [
            ("%d.%m.%Y", False),
            ("%m/%d/%Y", False),
            ("%d/%m/%y", False),
            ("%Y_%m_%d", False),
            ("%d %b %Y", False),
            ("%b %d %Y", False),
            ("%d.%m.%Y %H:%M", False),
            ("%Y-%m-%dT%H:%M:%S", True),
            ("%Y/%m/%d", True),
            ("%Y-%m-%d %H:%M", True),
        ],
    )
    def test_other_forms_are_refused_or_read_as_they_are_meant(
        self, tmp_path: Path, form: str, is_iso: bool
    ) -> None:
        first, told = datetime(2023, 11, 25, 6, 30), "%H" in form
        moments = [first + n * timedelta(hours=31) for n in range(ROWS)]
        path = written(tmp_path / "table.csv", [one.strftime(form) for one in moments])
        words = [] if is_iso else [f'data.dates={{a: "{form}"}}']
        if words:
            with pytest.raises(DataError) as refused:
                data_of(path)
            assert words[0] in refused.value.problems[0]
        seconds = np.array(moments, dtype="datetime64[s]" if told else "datetime64[D]")
        expected = (seconds.astype("datetime64[s]").astype(int) / 86400).tolist()
        assert values(data_of(path, *words)) == pytest.approx(expected)

    def test_a_day_that_may_be_a_month_is_reported_in_both_forms(self, tmp_path: Path) -> None:
        path = written(tmp_path / "table.csv", [f"0{n}/0{n % 5 + 1}/2024" for n in range(1, 10)])
        with pytest.raises(DataError) as refused:
            data_of(path)
        assert '{a: "%d/%m/%Y"}' in refused.value.problems[0]
        assert '{a: "%m/%d/%Y"}' in refused.value.problems[0]

    def test_a_few_dates_among_words_are_names(self, tmp_path: Path) -> None:
        path = written(tmp_path / "table.csv", ["2024-01-02", "never", "2024-03-04"])
        assert data_of(path).preprocessing.features[0].kind == "category"

    def test_dates_may_begin_late(self, tmp_path: Path) -> None:
        lines = [*[",0"] * 2000, *(f"{day},1" for day in self.DAYS)]
        (tmp_path / "table.csv").write_text("\n".join(["a,y", *lines]))
        data = data_of(tmp_path / "table.csv")
        assert data.preprocessing.text.dates == {"a": "iso"}

    def test_a_slip_among_many_dates_is_named(self, tmp_path: Path) -> None:
        path = written(tmp_path / "table.csv", [*self.DAYS[:25], "2024-02-30", *self.DAYS[26:]])
        with pytest.raises(DataError, match=r"holds dates, but row 26 \(line 27\) holds '2024-02"):
            data_of(path)

    def test_new_rows_hold_dates_too(self, seedbed: Command, tmp_path: Path) -> None:
        path = written(tmp_path / "table.csv", self.DAYS)
        words = ["data=csv", f"data.path={path}", "data.target=y", "trainer.epochs=1"]
        run = seedbed("train", *words).run
        new = written(tmp_path / "new.csv", self.DAYS[:3])
        predicted = seedbed("predict", run, "--file", new, "--json")
        by_file = json.loads(predicted.out)["predictions"][:3]
        rows = json.dumps([[day] for day in self.DAYS[:3]])
        by_row = json.loads(seedbed("predict", run, "--input", rows, "--json").out)["predictions"]
        np.testing.assert_allclose(by_row, by_file, rtol=1e-5)
        for wrong in ("[[20240101]]", '[["01.02.2024"]]', "[[true]]"):
            result = seedbed("predict", run, "--input", wrong)
            assert result.code == 2
            assert "dates in the run's training file" in result.errors[0] or "must be" in result.err


class TestNewRows:
    def test_are_read_by_the_form_of_the_run(self, seedbed: Command, tmp_path: Path) -> None:
        path = written(tmp_path / "table.csv", ["1.234,5 %", "-0,5 %", "7 %"], separator=";")
        form = ['data.decimal=","', 'data.thousands="."', 'data.units={a: "%"}']
        words = ["data=csv", 'data.delimiter=";"', f"data.path={path}", "data.target=y", *form]
        result = seedbed("train", *words, "trainer.epochs=1")
        assert result.code == 0, result.err
        run = result.run
        new = written(tmp_path / "new.csv", ["1.234,5 %", "7 %"], separator=";")
        by_file = json.loads(seedbed("predict", run, "--file", new, "--json").out)["predictions"]
        for rows in ("[[1234.5], [7]]", '[["1.234,5 %"], [7]]', '[[1.2345e3], ["7 %"]]'):
            told = json.loads(seedbed("predict", run, "--input", rows, "--json").out)
            np.testing.assert_allclose(told["predictions"], by_file[:2], rtol=1e-5)
        result = seedbed("predict", run, "--input", '[["1,234.5 %"]]')
        assert result.code == 2
        assert "holds '1,234.5 %' in row 1" in result.errors[0]

    def test_na_means_the_same_in_every_format(self, seedbed: Command, tmp_path: Path) -> None:
        rows = {"n": ["1.5", "NA", "2.5", "-"] * 8, "c": ["NA", "x", "-", "y"] * 8}
        frame = {**rows, "y": [str(n) for n in range(32)]}
        (tmp_path / "table.csv").write_text(
            "\n".join(",".join(cells) for cells in [[*frame], *zip(*frame.values(), strict=True)])
        )
        pa.parquet.write_table(pa.table({**frame, "y": range(32)}), tmp_path / "table.parquet")
        fitted = []
        for path in (tmp_path / "table.csv", tmp_path / "table.parquet"):
            features = data_of(path, 'data.missing=["-"]').preprocessing.features
            fitted.append(features)
            assert features[0].mean == 2.0
            assert features[1].categories == ["NA", "x", "y", None]
        assert fitted[0] == fitted[1]
        features = data_of(tmp_path / "table.csv", 'data.missing=["-","NA"]').preprocessing.features
        assert features[1].categories == ["x", "y", None]


def test_names_that_nearly_every_row_has_alone_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "table.csv", [f"name {chr(65 + n)}" for n in range(25)])
    with pytest.raises(DataError, match="25 different names in 30 rows, nearly one a row; type "):
        data_of(path)
    data_of(path, "data.categories=[a]")
    data_of(written(tmp_path / "few.csv", [f"name {chr(65 + n)}" for n in range(20)]))
    with pytest.raises(DataError, match="25 different classes in 30 rows"):
        data_of(
            written(tmp_path / "target.csv", [f"{chr(65 + n)}x" for n in range(25)], "t"),
            "data.target=t",
        )


HARMLESS = [
    ["1a", "1b", "2a"],
    ["S", "M", "L"],
    ["A1", "A2", "B1"],
    ["10-20", "20-30"],
    ["<5", ">=5"],
    ["007", "A12"],
    ["12:30", "14:00"],
    ["x,y", "z"],
    ["n.a.", "yes", "no"],
    ["-", "x"],
    ["1", "-"],
]


@pytest.mark.parametrize("cells", HARMLESS, ids=lambda cells: cells[0])
def test_a_few_names_are_names(tmp_path: Path, cells: list[str]) -> None:
    (feature,) = data_of(written(tmp_path / "table.csv", cells)).preprocessing.features
    assert feature.categories == sorted(cells)


def test_all_columns_that_cannot_be_used_are_reported_at_once(
    seedbed: Command, tmp_path: Path
) -> None:
    lines = [f'"{n},5",{n}%,{n}_x,2024_{n % 9 + 1:02},{n}' for n in range(30)]
    (tmp_path / "table.csv").write_text("\n".join(["a,b,c,d,y", *lines]))
    words = ["data=csv", "data.path=table.csv", "data.target=y"]
    result = seedbed("validate", *words)
    assert result.code == 2
    assert [line.partition("column ")[2][:3] for line in result.errors[:4]] == [
        "'a'",
        "'b'",
        "'c'",
        "'d'",
    ]
    drop = result.errors[4].rpartition("type ")[2].strip("'")
    assert drop == "data.drop=[a,b,c,d]"
    form = ['data.decimal=","', 'data.units={b: "%"}', 'data.dates={d: "%Y_%m"}', "data.drop=[c]"]
    assert seedbed("validate", *words, *form).code == 0


WRONG = {
    "data.decimal=x": "data.decimal must be one of ., ,",
    'data.thousands="."': "data.thousands and data.decimal are both '.'",
    'data.units={z: "%"}': "data.units: no column 'z' in table.csv",
    "data.units={a: 3}": "data.units: 'a' must have a text, got 3",
    "data.dates={a: day}": "data.dates: 'a': 'day' is no form of a date",
    'data.dates={a: "%Q"}': "data.dates: 'a': '%Q' is no form of a date",
    'data.dates={a: "%Y %Y"}': "data.dates: 'a': '%Y %Y' is no form of a date",
    "data.dates=[a]": "data.dates must be a mapping",
    "data.missing=x": "data.missing must be a list of texts",
}


@pytest.mark.parametrize(("word", "told"), WRONG.items(), ids=WRONG)
def test_what_is_configured_of_the_form_is_held_to_the_file(
    seedbed: Command, tmp_path: Path, word: str, told: str
) -> None:
    written(tmp_path / "table.csv", ["1", "2"])
    result = seedbed("validate", "data=csv", "data.path=table.csv", "data.target=y", word)
    assert result.code == 2
    assert len(result.errors) == 1
    assert told in result.errors[0]
    assert "Traceback" not in result.err


def test_the_form_stands_in_the_run(seedbed: Command, tmp_path: Path) -> None:
    written(tmp_path / "table.csv", ["1,5", "2,5"], separator=";")
    words = ["data=csv", 'data.delimiter=";"', "data.path=table.csv", "data.target=y"]
    run = seedbed("train", *words, 'data.decimal=","', "trainer.epochs=1").run
    assert yaml.safe_load((run / "config.yaml").read_text())["data"]["decimal"] == ","
    assert json.loads((run / "preprocessing.json").read_text())["text"]["decimal"] == ","


def test_times_of_day_are_read_if_the_config_says_so(tmp_path: Path) -> None:
    cells = [f"{n % 24:02}:{n:02}" for n in range(ROWS)]
    path = written(tmp_path / "table.csv", cells)
    with pytest.raises(DataError) as refused:
        data_of(path)
    assert "'data.dates={a: \"%H:%M\"}'" in refused.value.problems[0]
    read = np.array(values(data_of(path, 'data.dates={a: "%H:%M"}')))
    expected = np.array([n % 24 * 60 + n for n in range(ROWS)]) / 1440
    np.testing.assert_allclose(read - read[0], expected, atol=2e-3)  # float32 of day -25567


NAMES = ["a b", "Größe", "price (€)", "x,y", "true", "1", "50%", "a=b", 'say "x"', "[z]"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_proposed_can_be_typed(tmp_path: Path, name: str) -> None:
    cells = [f"name {chr(65 + n)}" for n in range(25)]
    quoted = name.replace('"', '""')
    path = written(tmp_path / "table.csv", cells, quoted)
    with pytest.raises(DataError) as refused:
        data_of(path)
    drop, categories = (
        part.partition("'")[0] for part in refused.value.problems[0].split("'data.")[1:]
    )
    (feature,) = data_of(path, f"data.{categories}").preprocessing.features
    assert feature.name == name
    with pytest.raises(DataError, match="no column beside the target"):
        data_of(path, f"data.{drop}")


@pytest.mark.parametrize("name", ["a b", "50%", "Größe", "1"])
def test_a_unit_is_proposed_as_an_override_or_as_yaml(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / "table.csv", ["5 €", "7 €"], name)
    with pytest.raises(DataError) as refused:
        data_of(path)
    told = refused.value.problems[0].partition("type '")[2].partition("'")[0]
    if told.startswith("data.units="):
        assert values(data_of(path, told))[:2] == [5, 7]
    else:
        assert yaml.safe_load(told) == {"data": {"units": {name: "€"}}}
