"""Pages of runs from Python: of a table, a sweep and a run."""

import shutil
from pathlib import Path

import pytest
from support.report_pages import data_of

import seedbed as front
from seedbed.errors import ArgumentError, RunDirectoryError


@pytest.fixture
def sweep(iris_sweep: Path, tmp_path: Path) -> "front.Sweep":
    shutil.copytree(iris_sweep, tmp_path / "sweep")
    return front.load_sweep(tmp_path / "sweep")


def test_a_sweep_and_a_run_write_into_their_own_folders(sweep: "front.Sweep") -> None:
    assert sweep.report() == sweep.path / "report.html"
    assert len(data_of(sweep.report())["runs"]) == 42
    run = sweep[0]
    assert run.report() == run.path / "report.html"
    data = data_of(run.report("one.html"))
    assert data["title"] == run.path.name
    assert data["command"] == ""


def test_a_table_writes_the_runs_that_it_has(sweep: "front.Sweep") -> None:
    table = front.runs(sweep.path).filter("seed<3")
    path = table.report("some.html", "val/accuracy", over="seed")
    assert path == Path("some.html")
    data = data_of(path)
    assert data["title"] == "some"
    assert len(data["runs"]) == 18
    assert data["told"]["metric"] == "val/accuracy"
    assert data["told"]["sentences"] == table.compare("val/accuracy", over="seed").sentences
    assert data_of(table.report("some.html", over=[]))["told"]["settings"] == []


def test_what_cannot_be_written_is_told_in_the_words_of_python(sweep: "front.Sweep") -> None:
    Path("mine.html").write_text("mine")
    table = front.runs(sweep.path)
    for write in (table.report, sweep.report, sweep[0].report):
        with pytest.raises(ArgumentError, match=r"take it away, or give another path$"):
            write("mine.html")
        with pytest.raises(ArgumentError, match=r"^path: 'page.pdf' must end in \.html$"):
            write("page.pdf")
    assert Path("mine.html").read_text() == "mine"
    with pytest.raises(ArgumentError, match="no run to report"):
        table.filter("seed=99").report("none.html")
    with pytest.raises(ArgumentError, match=r"^metric: no run has 'val/los'"):
        table.report("none.html", "val/los")
    with pytest.raises(RunDirectoryError, match="cannot write"):
        table.report("none/page.html")
    assert not Path("none.html").exists()
