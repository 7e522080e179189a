"""A run directory with links is refused, and not for what a process puts in its place just now."""

import os
import threading
from pathlib import Path

import pytest

from seedbed.errors import RunDirectoryError
from seedbed.runs.files import write_bytes
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import refuse_links


@pytest.fixture
def run(tmp_path: Path) -> RunPaths:
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    return RunPaths(tmp_path / "run")


def test_files_that_are_written_meanwhile_are_no_links(run: RunPaths) -> None:
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            write_bytes(run.best, b"weights")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(2000):
            refuse_links(run)
    finally:
        over.set()
        writer.join()


def test_links_and_pipes_are_named(run: RunPaths) -> None:
    run.best.symlink_to("/etc/hostname")
    with pytest.raises(RunDirectoryError, match=r"best\.pt' is a link or no plain file"):
        refuse_links(run)
    run.best.unlink()
    os.mkfifo(run.best)
    with pytest.raises(RunDirectoryError, match=r"best\.pt' is a link or no plain file"):
        refuse_links(run)
    run.best.unlink()
    run.log.write_text("a line\n")
    os.link(run.log, run.root / "other")
    with pytest.raises(RunDirectoryError, match=r"run\.log' has a second name"):
        refuse_links(run)
