"""`seedbed predict` reads a large file by blocks, and says and writes the same as of all of it."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command_line import Command
from support.single_runs import train

from seedbed.errors import DataError, RunDirectoryError
from seedbed.runs.files import write_pieces
from seedbed.tables import csv_carried, csv_file, text_content
from seedbed.views import predict_large

TRAIN = "w,h,color,size,y,kind\n" + "".join(
    f"{n},{n % 7 / 4},{('red', 'blue')[n % 2]},{n % 3},{n}.5,{'ab'[n % 2]}\n" for n in range(30)
)
RUNS = {
    "values": ["data.target=y", "data.drop=[kind]"],
    "values of two": ["data.target=[y,h]", "data.drop=[kind]"],
    "a logit": ["data.target=kind", "data.drop=[y]", "loss=bce"],
    "classes": ["data.target=kind", "data.drop=[y]", "data.unknown=error"],
}
ROW = "{0},0.5,{1},2,1.5,b"

ASKED = [
    ("values", ["--output", "out.csv"]),
    ("a logit", ["--output", "out.csv"]),
    ("a logit", ["--json"]),
    ("classes", []),
    ("values of two", []),
    ("values of two", ["--json"]),
]
"""Runs, and what is typed behind the file; the first two of every file."""

ASKED_OF_ALL = ("plain", "unknown", "two slips")


def rows(line: Callable[[int], str], number: int = 90) -> str:
    return "w,h,color,size,y,kind\n" + "".join(f"{line(row)}\n" for row in range(number))


def plain(row: int) -> str:
    return ROW.format(row, ("red", "blue")[row % 2])


def at(place: int, line: str) -> Callable[[int], str]:
    return lambda row: line if row == place else plain(row)


FILES = {
    "plain": rows(plain),
    "crlf": rows(plain).replace("\n", "\r\n"),
    "old ends": rows(plain).replace("\n", "\r"),
    "no end, blank lines": rows(at(40, "\n\n" + plain(1))).rstrip("\n"),
    "quotes": rows(lambda row: f'"{row}",0.5,"red","2",1,"say ""{row}""\nand ,"'),
    "marked": "\ufeff" + rows(plain),
    "other columns": rows(plain).replace("w,h", "h,w").replace("kind\n", "y_prediction\n", 1),
    "unknown late": rows(at(80, ROW.format(1, "green"))),
    "unknown": rows(lambda row: ROW.format(row, ("red", "pink", "", "é")[row % 4])),
    "missing late": rows(at(80, ",0.5,red,2,,")),
    "a slip late": rows(at(80, ROW.format("x", "red"))),
    "two slips": rows(lambda row: ",x,red,2,," if row == 20 else at(80, "y,1,red,,,")(row)),
    "too large": rows(at(80, ROW.format("1e300", "red"))),
    "more cells": rows(at(80, ROW.format("1", "red,blue"))),
    "open quote": rows(at(60, '1,2,"red,2,1,a')),
    "no column": rows(plain).replace("color", "colour", 1),
    "other encoding": rows(at(80, ROW.format("1", "\udce9"))),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    (folder / "train.csv").write_text(TRAIN)
    data = ["data=csv", f"data.path={folder / 'train.csv'}", "trainer.epochs=2"]
    for name, words in RUNS.items():
        train(folder / name, *data, *words)
    return {name: folder / name for name in RUNS}


@pytest.fixture
def by_blocks(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on every file is a large one, of many blocks."""

    def patch() -> None:
        monkeypatch.setattr(text_content, "LARGE", 1)
        monkeypatch.setattr(csv_file, "BATCH_BYTES", 300)
        monkeypatch.setattr(csv_carried, "BLOCK_BYTES", 70)
        for name, value in {"INPUT_BYTES": 1, "HELD_BYTES": 64, "BLOCK_ROWS": 7}.items():
            monkeypatch.setattr(predict_large, name, value)

    return patch


@pytest.mark.parametrize("file", FILES)
def test_all_is_the_same_by_blocks(
    seedbed: Command,
    tmp_path: Path,
    runs: dict[str, Path],
    by_blocks: Callable[[], None],
    file: str,
) -> None:
    (tmp_path / "new.csv").write_bytes(FILES[file].encode("utf-8", "surrogateescape"))
    said = {}
    for way in ("whole", "by blocks"):
        if way == "by blocks":
            by_blocks()
        for name, words in ASKED if file in ASKED_OF_ALL else ASKED[:2]:
            (tmp_path / "out.csv").unlink(missing_ok=True)
            told = seedbed("predict", runs[name], "--file", "new.csv", *words)
            out = tmp_path / "out.csv"
            content = out.read_bytes() if out.exists() else None
            said[way, name, *words] = told.code, told.out, told.err, content
    for name, words in ASKED if file in ASKED_OF_ALL else ASKED[:2]:
        assert said["by blocks", name, *words] == said["whole", name, *words], name
    assert sorted(path.name for path in tmp_path.iterdir()) in (
        ["new.csv"],
        ["new.csv", "out.csv"],
    )


def test_a_large_file_is_not_read_whole(
    seedbed: Command,
    tmp_path: Path,
    runs: dict[str, Path],
    by_blocks: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_blocks()
    monkeypatch.delattr(csv_file.CsvFile, "cells")
    monkeypatch.delattr(csv_carried.CarriedCsv, "with_columns")
    for name in ("plain", "quotes", "unknown", "missing late"):
        (tmp_path / "new.csv").write_text(FILES[name], newline="")
        told = seedbed("predict", runs["values"], "--file", "new.csv", "--output", "out.csv")
        assert (told.code, told.out) == (0, "90 predictions: out.csv\n"), told.err


def test_the_file_itself_may_take_the_predictions(
    seedbed: Command, tmp_path: Path, runs: dict[str, Path], by_blocks: Callable[[], None]
) -> None:
    by_blocks()
    draw = random.Random(0)
    text = rows(lambda row: ROW.format(draw.random(), "red"), 300)
    for name in ("new.csv", "other.csv"):
        (tmp_path / "new.csv").write_text(text)
        told = seedbed("predict", runs["values"], "--file", "new.csv", "--output", name)
        assert told.code == 0
    expected = (tmp_path / "other.csv").read_bytes()
    (tmp_path / "new.csv").write_text(text)
    seedbed("predict", runs["values"], "--file", "new.csv", "--output", "new.csv")
    assert (tmp_path / "new.csv").read_bytes() == expected
    assert len(expected.splitlines()) == 301


def test_pieces_that_cannot_be_made_leave_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_bytes(b"old")

    def pieces(err: Exception | None):
        yield b"new"
        yield b""
        if err is not None:
            raise err

    with pytest.raises(DataError, match="torn"):
        write_pieces(path, pieces(DataError("torn")))
    assert [one.name for one in tmp_path.iterdir()] == ["out.csv"]
    assert path.read_bytes() == b"old"
    write_pieces(path, pieces(None))
    assert path.read_bytes() == b"new"
    with pytest.raises(RunDirectoryError, match="cannot write"):
        write_pieces(tmp_path / "none" / "out.csv", pieces(None))
