"""Equal files of several runs are names of one file; each can be replaced without the others."""

import errno
import os
from pathlib import Path

import pytest

from seedbed.errors import RunDirectoryError
from seedbed.runs.directory import claim
from seedbed.runs.files import write_bytes
from seedbed.runs.moment import Moment
from seedbed.runs.same_files import SameFiles
from seedbed.runs.status import Status


def inodes(*paths: Path) -> int:
    return len({path.stat().st_ino for path in paths})


def refusing(number: int) -> object:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return [tmp_path / name for name in ("a", "b", "c")]


def test_equal_files_are_one(paths: list[Path]) -> None:
    same = SameFiles()
    for path in paths:
        same.write(path, b"equal")
    assert [path.read_bytes() for path in paths] == [b"equal"] * 3
    assert inodes(*paths) == 1


def test_a_file_that_is_replaced_leaves_the_others(paths: list[Path]) -> None:
    same = SameFiles()
    for path in paths:
        same.write(path, b"equal")
    write_bytes(paths[0], b"another")
    assert [path.read_bytes() for path in paths] == [b"another", b"equal", b"equal"]


def test_files_that_are_there_are_replaced_by_names(tmp_path: Path, paths: list[Path]) -> None:
    for path in paths:
        path.write_bytes(b"old")
    same = SameFiles()
    for path in [*paths, *paths]:  # twice: a name that is the file already
        same.write(path, b"new")
    assert [path.read_bytes() for path in paths] == [b"new"] * 3
    assert inodes(*paths) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]


@pytest.mark.parametrize("number", [errno.EPERM, errno.EMLINK, errno.EXDEV])
def test_where_no_name_can_be_made_the_content_is_written(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "link", refusing(number))
    same = SameFiles()
    for path in paths:
        same.write(path, b"equal")
        same.write(path, b"equal")
    assert [path.read_bytes() for path in paths] == [b"equal"] * 3
    assert inodes(*paths) == 3


def test_after_a_file_of_too_many_names_comes_another(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    same = SameFiles()
    same.write(paths[0], b"equal")
    with monkeypatch.context() as full:
        full.setattr(os, "link", refusing(errno.EMLINK))
        same.write(paths[1], b"equal")
    same.write(paths[2], b"equal")
    assert paths[2].samefile(paths[1])
    assert inodes(*paths) == 2


def test_a_new_file_takes_no_name_that_is_taken(paths: list[Path]) -> None:
    same = SameFiles()
    same.write_new(paths[0], b"equal")
    paths[1].write_bytes(b"somebody else's")
    with pytest.raises(RunDirectoryError) as refused:
        same.write_new(paths[1], b"equal")
    assert isinstance(refused.value.__cause__, FileExistsError)
    assert paths[1].read_bytes() == b"somebody else's"


def test_runs_that_begin_together_share_their_status_until_they_end(tmp_path: Path) -> None:
    begin, end = Moment(), Moment()
    runs = [claim(tmp_path / str(number), begin) for number in range(3)]
    statuses = [run.status for run in runs]
    assert inodes(*statuses) == 1
    runs[0].write_status(Status.COMPLETED, None, end)
    assert '"running"' in statuses[1].read_text()
    runs[1].write_status(Status.DIVERGED, "the loss is nan", end)
    runs[2].write_status(Status.COMPLETED, None, end)
    assert inodes(*statuses) == 3
    statuses[0].write_text("changed in its place")
    assert '"completed"' in statuses[2].read_text()
    assert '"diverged"' in statuses[1].read_text()
    for run in runs:
        run.release()
