"""Directories and packs write the files of a run alike."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from seedbed.runs.pack_writer import PackWriter
from seedbed.runs.run_files import ON_DISK, RunFiles
from seedbed.runs.same_files import SameFiles
from seedbed.runs.stored import open_stored, stored_names


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "0_seed=1"


@pytest.fixture(params=["directory", "pack"])
def files(request: pytest.FixtureRequest, run: Path) -> Iterator[RunFiles]:
    if request.param == "directory":
        run.mkdir()
        yield ON_DISK
        return
    with PackWriter(run.parent, 1) as pack:
        yield pack


def seen(path: Path) -> bytes:
    """By another."""
    with open_stored(path) as file:
        return file.read()


def test_a_file_is_written_and_replaced(files: RunFiles, run: Path) -> None:
    assert files.read(run / "history.csv") is None
    for content in (b"old", b"", b"new"):
        files.write(run / "history.csv", content)
        assert files.read(run / "history.csv") == content
    files.commit()
    assert seen(run / "history.csv") == b"new"


def test_a_file_grows_and_is_cut(files: RunFiles, run: Path) -> None:
    log = run / "run.log"
    for content in (b"one\n", b"two\n"):
        files.append(log, content)
    files.cut(log, 6)
    files.append(log, b"three\n")
    files.commit()
    assert seen(log) == files.read(log) == b"one\ntwthree\n"


def test_many_are_written_at_once(files: RunFiles, run: Path) -> None:
    files.make_folder(run / "checkpoints")
    last, best = run / "checkpoints" / "last.pt", run / "checkpoints" / "best.pt"
    files.write_all([(last, b"last"), (best, b"best")], flush=True)
    assert (seen(last), seen(best)) == (b"last", b"best")


def test_files_that_runs_share_are_files_of_each(files: RunFiles, run: Path) -> None:
    same = SameFiles()
    for name in ("environment.json", "preprocessing.json"):
        files.write_same(run / name, b"equal", same)
    files.write(run / "environment.json", b"another")
    files.commit()
    assert seen(run / "preprocessing.json") == b"equal"
    assert seen(run / "environment.json") == b"another"


def test_a_file_is_taken_away_and_may_come_again(files: RunFiles, run: Path) -> None:
    events, log = run / "events.out.tfevents.1.host.2.0", run / "run.log"
    files.remove(events)
    for content in (b"old", b"new"):
        files.write(events, content)
        files.write(log, content)
        files.remove(events)
        assert files.read(events) is None
        assert files.names(run) == ["run.log"]
    files.write_same(events, b"newest", SameFiles())
    files.commit()
    assert (seen(events), seen(log)) == (b"newest", b"new")


def test_the_names_are_those_that_were_written(files: RunFiles, run: Path) -> None:
    files.make_folder(run / ".hydra")
    for name in ("config.yaml", ".hydra/config.yaml", "events.out.tfevents.1.host.2.0"):
        files.write(run / name, b"a: 1")
    files.commit()
    names = {name for name in files.names(run) if name != ".hydra"}
    assert names == {"config.yaml", "events.out.tfevents.1.host.2.0"}
    assert {name for name in stored_names(run) if name != ".hydra"} == names


def test_what_a_fork_collects_is_written_by_its_parent(files: RunFiles, run: Path) -> None:
    with files.collecting() as collected:
        files.write(run / "history.csv", b"epoch")
        files.append(run / "run.log", b"line")
        files.write_same(run / "environment.json", b"equal", SameFiles())
    files.take(collected)
    files.commit()
    for name, content in (("history.csv", b"epoch"), ("run.log", b"line")):
        assert seen(run / name) == content
    assert seen(run / "environment.json") == b"equal"
