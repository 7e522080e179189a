"""The links of a dashboard: those of a process that was killed are taken away, and nothing else."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seedbed.catalog.finding import find_runs
from seedbed.views.run_links import PREFIX, folder_of, remove_left

PROGRAM = """
import sys
from seedbed.catalog.finding import find_runs
from seedbed.views.run_links import folder_of
with folder_of(find_runs([sys.argv[1]])):
    print("linked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


@pytest.fixture
def runs(sum_run: Path, tmp_path: Path) -> Path:
    shutil.copytree(sum_run, tmp_path / "runs/a/one")
    return tmp_path / "runs"


@contextmanager
def linking(runs: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a folder of links."""
    line = [sys.executable, "-c", PROGRAM, str(runs)]
    with subprocess.Popen(
        line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "linked\n"
        yield process
        process.kill()


def test_what_a_killed_process_left_is_taken_away(temporary: Path, runs: Path) -> None:
    with linking(runs) as process:
        (left,) = temporary.iterdir()
        assert (left / "one").is_symlink()
        remove_left()
        assert (left / "one").is_symlink()  # its process lives
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert left.exists()
        with folder_of(find_runs([runs])) as own:
            remove_left()
            assert list(temporary.iterdir()) == [own]
            assert (own / "one/config.yaml").is_file()
    assert list(temporary.iterdir()) == []
    assert (runs / "a/one/config.yaml").is_file()


def test_nothing_but_links_is_removed(temporary: Path, runs: Path) -> None:
    mine = temporary / f"{PREFIX}of_mines"
    (mine / "deep").mkdir(parents=True)
    (mine / "deep/precious").write_text("x")
    (mine / "empty").mkdir()
    (temporary / f"{PREFIX}thelinks").symlink_to(runs)
    (temporary / f"{PREFIX}somefile").write_text("x")
    remove_left()
    assert (mine / "deep/precious").read_text() == "x"
    assert (temporary / f"{PREFIX}thelinks/a/one/config.yaml").is_file()
    assert (temporary / f"{PREFIX}somefile").read_text() == "x"
