"""The training file decides what every column is, for all later files and rows."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from support.houses import prepared_data

from seedbed.data.json_rows import rows_from_json
from seedbed.data.new_rows import opened_rows, rows_from_file
from seedbed.data.prepared import PreparedData
from seedbed.errors import DataError
from seedbed.tables.cells import numbers
from seedbed.tables.column_types import ColumnTypes, later_table
from seedbed.tables.text_form import CellForm, TextForm

UNSPLIT = "data.split={validation:0,test:0}"


def written(path: Path, text: str) -> Path:
    path.write_text(text, newline="", encoding="utf-8")
    return path


def run_on(path: Path, *words: str) -> PreparedData:
    source = "parquet" if path.suffix == ".parquet" else "csv"
    return prepared_data(f"data={source}", f"data.path={path}", "data.target=y", UNSPLIT, *words)


def column(path: Path, cells: list[str]) -> Path:
    """A column `a` of these cells, and numbers to predict."""
    rows = "".join(f"{cell},{row}.5\n" for row, cell in enumerate(cells))
    return written(path, f"a,y\n{rows}")


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (["True", "False", "Unknown"], ["True", "False", "True"]),
        (["12:30", "late", "07:05"], ["07:05", "12:30"]),
        (["007", "A12", "010", "B1"], ["010", "007"]),
        (["10.0", "A", "B", "2.50"], ["10.0", "2.50"]),
        (["2024-01-02", "never", "2024-03-04"], ["2024-03-04"]),
        (["12345678901234567", "x", "12345678901234568", "y"], ["12345678901234568"]),
        (["NA", "NC", "NE"], ["NA", "NA"]),
        ([" a", "a", "b"], [" a", "a"]),
    ],
    ids=lambda cells: cells[0],
)
def test_a_test_file_that_lacks_values_is_read_like_the_training_file(
    tmp_path: Path, train: list[str], test: list[str]
) -> None:
    test_file = column(tmp_path / "test.csv", test)
    data = run_on(column(tmp_path / "train.csv", train), f"data.test_path={test_file}")
    categories = data.preprocessing.features[0].categories
    assert categories == sorted(train)
    expected = [[float(name == cell) for name in sorted(train)] for cell in test]
    assert data.test.tensors[0].tolist() == expected
    new = rows_from_file(opened_rows(test_file, {}), data.preprocessing)
    assert new.inputs.tolist() == expected
    assert not new.notes
    assert [note for note in data.notes if "no training row has" in note] == []


@pytest.mark.parametrize("form", ["integers", "texts"])
def test_integers_above_the_floats_stay_apart_where_they_are_names(
    tmp_path: Path, form: str
) -> None:
    codes = [1234567890123456789, 1234567890123456790, 1234567890123456791]
    cells = codes if form == "integers" else [str(code) for code in codes]
    pa.parquet.write_table(pa.table({"a": cells, "y": [0.5, 1.5, 2.5]}), tmp_path / "a.parquet")
    data = run_on(tmp_path / "a.parquet", "data.categories=[a]")
    assert data.preprocessing.features[0].categories == [str(code) for code in codes]
    assert rows_from_json([[codes[1]]], data.preprocessing).inputs.tolist() == [[0, 1, 0]]


@pytest.mark.parametrize("values", [[3, 1, 3], ["x", "y", "x"], [True, False, True]], ids=str)
def test_a_dictionary_of_parquet_is_a_column_of_names(tmp_path: Path, values: list[Any]) -> None:
    array = pa.array(values).dictionary_encode()
    pa.parquet.write_table(pa.table({"a": array, "y": [0.5, 1.5, 2.5]}), tmp_path / "a.parquet")
    data = run_on(tmp_path / "a.parquet")
    assert data.train.tensors[0].shape == (3, 2)
    assert data.preprocessing.features[0].kind == "category"


@pytest.mark.parametrize(
    ("cells", "missing"),
    [
        (["1", "NA", "3", "n/a", "", "NaN"], [1, 3, 4, 5]),
        (["true", "NA", "false", "null", " ", "None"], [1, 3, 4, 5]),
        (["NC", "NA", "", "x", "  ", "null"], [2, 4]),
    ],
    ids=["numbers", "truth values", "names"],
)
def test_marks_mean_the_same_in_every_form(
    tmp_path: Path, cells: list[str], missing: list[int]
) -> None:
    columns = {"a": cells, "b": [1.0, 2.0] * 3, "y": [0.5, 1.5] * 3}
    pa.parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    rows = "".join(f"{cell},{1.0 + row % 2},{row % 2}.5\n" for row, cell in enumerate(cells))
    data = run_on(written(tmp_path / "a.csv", f"a,b,y\n{rows}"))
    again = run_on(tmp_path / "a.parquet")
    new = rows_from_json(
        [[cell, 1.0 + row % 2] for row, cell in enumerate(cells)], data.preprocessing
    )
    inputs = data.train.tensors[0].numpy()
    np.testing.assert_array_equal(again.train.tensors[0].numpy(), inputs)
    np.testing.assert_array_equal(new.inputs, inputs)
    feature = data.preprocessing.features[0]
    if feature.categories is not None:
        assert [row for row in range(6) if inputs[row, feature.width - 1]] == missing
    else:
        assert len({*inputs[missing, 0].tolist()}) == 1


@pytest.mark.parametrize(
    ("ending", "content", "says"),
    [
        (
            ".csv",
            'n,a,b\n"two\r\nlines",1,true\n\n"x","oh\nno",true\n',
            r"--file: column 'a' of new.csv holds 'oh\\nno' in row 2 \(line 5\), but numbers in",
        ),
        (".csv", "a,b\n1,maybe\n", r"'b' of new.csv holds 'maybe' in row 1 \(line 2\), but truth"),
        (".csv", "a,b\ntrue,true\n", r"'a' of new.csv holds 'true' in row 1 \(line 2\)"),
        (".parquet", {"a": [True], "b": [True]}, r"'a' of new.parquet holds 'true' in row 1,"),
        (".parquet", {"a": [1], "b": [2]}, r"'b' of new.parquet holds '2' in row 1, but truth"),
        (".parquet", {"a": [dt.date(2024, 1, 2)], "b": [1]}, r"'a' .* holds '2024-01-02' in row 1"),
        (".parquet", {"a": [[1]], "b": [True]}, r"column 'a' holds list<element: int64>"),
        (".parquet", {"a": ["?"], "b": [True]}, r"'a' of new.parquet holds '\?' in row 1"),
    ],
    ids=["quoted line ends", "truth", "truth for a number", "typed truth", "number for a truth",
         "day", "list", "mark"],
)  # fmt: skip
def test_a_cell_of_another_kind_is_reported_with_its_row(
    tmp_path: Path, ending: str, content: Any, says: str
) -> None:
    data = run_on(written(tmp_path / "train.csv", "a,b,y\n1,True,2\n2.5,FALSE,3\n,true,1.5\n"))
    path = tmp_path / f"new{ending}"
    if ending == ".csv":
        written(path, content)
    else:
        pa.parquet.write_table(pa.table(content), path)
    with pytest.raises(DataError, match=says):
        rows_from_file(opened_rows(path, {}), data.preprocessing)


def test_booleans_may_be_bits_in_later_files(tmp_path: Path) -> None:
    data = run_on(written(tmp_path / "train.csv", "a,b,y\n1,True,2\n2.5,FALSE,3\n4,true,1.5\n"))
    expected = rows_from_json([[1, True], [2, False]], data.preprocessing).inputs
    new = written(tmp_path / "new.csv", "b,a\n1,1\n0,2\n")
    assert np.array_equal(rows_from_file(opened_rows(new, {}), data.preprocessing).inputs, expected)
    pa.parquet.write_table(pa.table({"a": [1, 2], "b": [1.0, 0.0]}), tmp_path / "new.parquet")
    file = opened_rows(tmp_path / "new.parquet", {})
    assert np.array_equal(rows_from_file(file, data.preprocessing).inputs, expected)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["True", "False", "True", "False"], ["False", "True"]),
        (["false", "TRUE", "false", "TRUE"], ["false", "TRUE"]),
        (["1.0", "0.0", "1", "0"], ["0.0", "1.0"]),
        (["01", "00", "01", "00"], ["00", "01"]),
        (["Yes", "No", "Yes", "No"], ["No", "Yes"]),
    ],
    ids=str,
)
def test_classes_are_spelt_as_in_the_training_file(
    tmp_path: Path, labels: list[str], classes: list[str]
) -> None:
    rows = "".join(f"{label},{row}.5\n" for row, label in enumerate(labels))
    path = written(tmp_path / "a.csv", f"y,a\n{rows}")
    data = run_on(path, f"data.test_path={path}")
    assert data.preprocessing.classes == classes
    assert data.train.tensors[1].tolist() == data.test.tensors[1].tolist() == [
        [0, 1].index(labels.index(label) == labels.index(classes[1])) if label in classes
        else int(float(label)) for label in labels
    ]  # fmt: skip


def test_labels_of_a_test_file_in_another_spelling_are_the_same_classes(tmp_path: Path) -> None:
    train = written(tmp_path / "a.csv", "y,a\nTrue,1\nFalse,2.5\nTrue,3\n")
    pa.parquet.write_table(pa.table({"y": [False, True], "a": [1, 2]}), tmp_path / "t.parquet")
    test = written(tmp_path / "t.csv", "a,y\n1,false\n2,true\n")
    data = run_on(train, f"data.test_path={test}")
    assert data.test.tensors[1].tolist() == [0, 1]


def test_wide_integers_name_classes_with_all_their_digits(tmp_path: Path) -> None:
    codes = [9007199254740993, 9007199254740992]
    np.savez(tmp_path / "a.npz", x=np.ones((4, 1)), y=np.array(codes * 2))
    data = prepared_data("data=npz", f"data.path={tmp_path / 'a.npz'}", UNSPLIT)
    assert data.preprocessing.classes == [str(code) for code in sorted(codes)]
    rows = "".join(f"{code},{row}\n" for row, code in enumerate(codes * 2))
    file = written(tmp_path / "a.csv", f"y,a\n{rows}")
    data = run_on(file, "data.task=multiclass")
    assert data.preprocessing.classes == [str(code) for code in sorted(codes)]


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (["007", "008"], "holds numbers with leading zeros; it is read as numbers"),
        (["9007199254740993", "1"], "holds integers of 16 digits or more, which lose"),
        (["0.5", "-0.25"], None),
        (["0", "10"], None),
    ],
    ids=lambda cells: str(cells)[:12],
)
def test_numbers_that_look_like_codes_are_reported(
    tmp_path: Path, cells: list[str], says: str | None
) -> None:
    notes = run_on(column(tmp_path / "a.csv", cells)).notes
    assert len(notes) == (says is not None)
    assert says is None or says in notes[0]
    assert says is None or "type 'data.categories=[a]' if they are names" in notes[0]


def test_numbers_in_a_column_of_text_are_reported_of_parquet(tmp_path: Path) -> None:
    pa.parquet.write_table(pa.table({"a": ["1", "2"], "y": [0.5, 1.5]}), tmp_path / "a.parquet")
    data = run_on(tmp_path / "a.parquet")
    assert data.preprocessing.features[0].kind == "number"
    assert "column 'a' of a.parquet is text that holds numbers" in data.notes[0]


def test_only_what_is_used_is_read(tmp_path: Path) -> None:
    table = {"a": [1.0, 2.0], "list": [[1], [2]], "y": [0.5, 1.5]}
    pa.parquet.write_table(pa.table(table), tmp_path / "a.parquet")
    data = run_on(tmp_path / "a.parquet", "data.features=[a]")
    rows = rows_from_file(opened_rows(tmp_path / "a.parquet", {}), data.preprocessing)
    assert np.array_equal(rows.inputs, data.train.tensors[0].numpy())
    slip = written(tmp_path / "a.csv", "a,b,y\n1,2,3\n2,3,4\n3,oops,5\n")
    assert run_on(slip, "data.features=[a]").train.tensors[0].shape == (3, 1)


def test_unknown_names_are_counted_by_split_and_column(tmp_path: Path) -> None:
    train = written(tmp_path / "train.csv", "a,b,y\nx,u,1\ny,v,2\nx,v,4\n")
    other = written(tmp_path / "other.csv", "b,a,y\nu,z,1\n,z,2\nw,x,4\n")
    data = run_on(train, f"data.validation_path={other}", f"data.test_path={other}")
    assert data.notes == [
        f"column '{name}': {count} of 3 {part} rows hold names that no training row has, {names}; "
        "they become zeros (data.unknown)"
        for part in ("validation", "test")
        for name, count, names in (("a", 2, "'z'"), ("b", 2, "(missing), 'w'"))
    ]


WHOLE_SECONDS = pa.array([0, 86400], pa.timestamp("s"))


@pytest.mark.parametrize(
    ("array", "kind", "values"),
    [
        (pa.array(["a", "b"], pa.string_view()), "category", ["a", "b"]),
        (pa.array(["1", "2"], pa.large_string()), "number", [1, 2]),
        (pa.array([float("nan"), 2.0]), "category", [None, "2"]),
        (pa.array([dt.date(2024, 1, 2)] * 2).dictionary_encode(), "category", ["2024-01-02"] * 2),
        (pa.array([0.1, None], pa.float32()), "number", [0.1, np.nan]),
        (pa.array([1, 2], pa.uint8()), "category", ["1", "2"]),
        (pa.array([2**64 - 1, 1], pa.uint64()), "category", [str(2**64 - 1), "1"]),
        (pa.array([Decimal("1.50"), None]), "number", [1.5, np.nan]),
        (pa.array([Decimal("1.50"), None]), "category", ["1.50", None]),
        (WHOLE_SECONDS, "category", ["1970-01-01 00:00:00", "1970-01-02 00:00:00"]),
        (WHOLE_SECONDS.cast(pa.timestamp("ns", "UTC")), "category",
         ["1970-01-01 00:00:00Z", "1970-01-02 00:00:00Z"]),
        (pa.nulls(2), "boolean", [np.nan, np.nan]),
    ],
    ids=lambda value: str(getattr(value, "type", value))[:40],
)  # fmt: skip
def test_every_type_of_parquet_is_read_as_its_text(
    tmp_path: Path, array: pa.Array, kind: Any, values: list[Any]
) -> None:
    path = tmp_path / "a.parquet"
    pa.parquet.write_table(pa.table({"a": array}), path)
    table = later_table(opened_rows(path, {}), ["a"], ColumnTypes({"a": kind}, TextForm()))
    column = table.columns["a"]
    if kind == "category":
        assert column.names().to_list() == values
    else:
        np.testing.assert_array_equal(column.values, np.array(values, dtype=float))


@pytest.mark.parametrize(
    "array",
    [
        pa.array([b"a", b"\xff"]),
        pa.array([{"x": 1}, None]),
        pa.array([[1], [2]]),
        pa.array([1, 2], pa.duration("s")),
    ],
    ids=lambda array: str(array.type),
)
@pytest.mark.parametrize("kind", ["number", "boolean", "category"])
def test_a_type_that_no_feature_can_be_made_of_is_refused(
    tmp_path: Path, array: pa.Array, kind: Any
) -> None:
    path = tmp_path / "a.parquet"
    pa.parquet.write_table(pa.table({"a": array}), path)
    with pytest.raises(DataError, match=r"column 'a' holds .*, which no feature can be made of"):
        later_table(opened_rows(path, {}), ["a"], ColumnTypes({"a": kind}, TextForm()))


def test_a_moment_beyond_all_years_is_reported_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    moments = pa.array([2**62, 0], pa.timestamp("us"))
    pa.parquet.write_table(pa.table({"a": moments, "y": [0.5, 1.5]}), path)
    with pytest.raises(DataError, match=r"'a' of a.parquet holds '.*' in row 1, but numbers in"):
        later_table(opened_rows(path, {}), ["a"], ColumnTypes({"a": "number"}, TextForm()))
    with pytest.raises(DataError, match="'a'"):
        run_on(path)


def test_dates_of_parquet_are_dates_whatever_form_text_has() -> None:
    day = dt.date(2024, 3, 11)
    form = CellForm(date="%d.%m.%Y")
    found = [numbers(pa.array([one]), form) for one in (day, "11.03.2024")]
    assert found == [[(day - dt.date(1970, 1, 1)).days]] * 2
