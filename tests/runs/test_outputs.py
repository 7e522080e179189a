"""What a command writes for its reader is whole, and nothing of one that was killed stays."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.command_line import Command

from seedbed.runs.outputs import LEFT_SECONDS, write_output

KILLED = """
import os, signal, sys
from pathlib import Path
from seedbed.runs.outputs import write_output
write = os.write
def half(number, content):
    if {half}:
        write(number, content[: len(content) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    return write(number, content)
os.write = half
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
write_output(Path("page.html"), b"new" * 100_000)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="where no process can be asked for")
@pytest.mark.parametrize("half", [True, False], ids=["halfway", "at the end"])
def test_a_kill_leaves_the_earlier_file_and_what_is_left_goes(half: bool) -> None:
    page = Path("page.html")
    write_output(page, b"old")
    done = subprocess.run([sys.executable, "-c", KILLED.format(half=half)], timeout=200)
    assert done.returncode == -9
    assert page.read_bytes() == b"old"
    (left,) = Path().glob(".page.html.*.tmp")
    write_output(page, b"newer")
    assert left.exists(), "it may be written by a process elsewhere, on a shared disk"
    _make_old(left)
    write_output(page, b"newest")
    assert page.read_bytes() == b"newest"
    assert [path.name for path in Path().iterdir()] == ["page.html"]


def test_nothing_else_is_taken_for_left() -> None:
    others = [".page.html.tmp", ".other.html.999999999.tmp", f".page.html.{os.getppid()}.tmp"]
    for name in others:
        Path(name).touch()
        _make_old(Path(name))
    Path("page.html.999999999.tmp").touch()
    write_output(Path("page.html"), b"page")
    assert len(list(Path().iterdir())) == 5


def _make_old(path: Path) -> None:
    then = time.time() - 2 * LEFT_SECONDS
    os.utime(path, (then, then))


def test_a_link_that_is_taken_for_left_is_removed_itself() -> None:
    Path("precious").write_text("x")
    Path(".page.html.999999999.tmp").symlink_to("precious")
    then = time.time() - 2 * LEFT_SECONDS
    os.utime(".page.html.999999999.tmp", (then, then), follow_symlinks=False)
    write_output(Path("page.html"), b"page")
    assert sorted(path.name for path in Path().iterdir()) == ["page.html", "precious"]


@pytest.mark.skipif(sys.platform == "win32", reason="where no folder can be made unwritable")
def test_a_folder_that_cannot_be_written_is_told_with_what_to_type(
    seedbed: Command, sum_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write anywhere: the system's answer is given in its place."""
    real = os.open

    def refusing(path, flags, *more, **named):
        if "report.html" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", refusing)
    result = seedbed("report", sum_run)
    assert result.code == 2
    (error,) = result.err.splitlines()
    assert error.endswith("report.html': Permission denied; type --output FILE.html")
