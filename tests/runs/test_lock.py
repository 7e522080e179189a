"""A run directory's lock: who has it, who lets go of it, and why it cannot be had."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import processes

from seedbed.errors import DirectoryTakenError, RunDirectoryError
from seedbed.runs.files import remove_unfinished
from seedbed.runs.held_file import HeldFile
from seedbed.runs.layout import HELD, LOCK
from seedbed.runs.lock import DirectoryLock, is_being_written

pytestmark = pytest.mark.skipif(os.name != "posix", reason="system calls are made to fail here")

FAILING = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As NFS: an exclusive lock needs a file that is open for writing, which a directory never is. */
int flock(int file, int how) {
    struct stat found;
    const char *always = getenv("FLOCK_FAILS");
    if (always) { errno = atoi(always); return -1; }
    if ((how & LOCK_EX) && (fcntl(file, F_GETFL) & O_ACCMODE) == O_RDONLY) {
        errno = EBADF;
        return -1;
    }
    return syscall(SYS_flock, file, how);
}
"""


@pytest.fixture(scope="module")
def as_on_nfs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that makes flock(2) answer as NFS does, for LD_PRELOAD."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler here")
    folder = tmp_path_factory.mktemp("nfs")
    (folder / "failing.c").write_text(FAILING)
    line = [
        compiler,
        "-shared",
        "-fPIC",
        "-o",
        str(folder / "failing.so"),
        str(folder / "failing.c"),
    ]
    subprocess.run(line, check=True)
    return folder / "failing.so"


HEAD = """
import os, signal, sys, time
from pathlib import Path
from seedbed.errors import *
from seedbed.runs.lock import DirectoryLock, is_being_written
path = Path(sys.argv[1])
"""


def started(body: str, folder: Path, **variables: str) -> subprocess.Popen[str]:
    """A program that says when it has done something."""
    line = [sys.executable, "-c", HEAD + textwrap.dedent(body), str(folder)]
    return subprocess.Popen(
        line, stdout=subprocess.PIPE, text=True, env={**os.environ, **variables}
    )


def printed(body: str, folder: Path, **variables: str) -> str:
    with started(body, folder, **variables) as process:
        out, _ = process.communicate(timeout=100)
    assert process.returncode == 0
    return out.rstrip("\n")


HOLDING = """
lock = DirectoryLock(path)
print("held", flush=True)
time.sleep(100)
"""


@pytest.fixture(params=["directory", "file on NFS", "no locks"])
def variables(request: pytest.FixtureRequest) -> dict[str, str]:
    """Of the environment, so that each way to lock is taken."""
    if request.param == "directory":
        return {}
    failing = {"LD_PRELOAD": str(request.getfixturevalue("as_on_nfs"))}
    return {**failing, "FLOCK_FAILS": "37"} if request.param == "no locks" else failing


@pytest.fixture
def holder(tmp_path: Path, variables: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Another process, which holds the lock."""
    process = started(HOLDING, tmp_path, **variables)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


TRYING = """
for one in (lambda: is_being_written(path), lambda: DirectoryLock(path).held):
    try:
        print(one())
    except RunDirectoryError as err:
        print(type(err).__name__, err)
"""


@pytest.mark.usefixtures("holder")
def test_one_process_has_it(tmp_path: Path, variables: dict[str, str]) -> None:
    assert printed(TRYING, tmp_path, **variables).splitlines() == [
        "True",
        f"DirectoryTakenError '{tmp_path}' is being written by another process; wait for it, or "
        "stop it first",
    ]


def test_it_is_free_as_soon_as_its_process_is_killed(
    tmp_path: Path, variables: dict[str, str], holder: subprocess.Popen[str]
) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert printed(TRYING, tmp_path, **variables).splitlines() == ["False", "True"]


WITH_A_FORK = """
lock = DirectoryLock(path)
if not os.fork():
    print(lock.held, flush=True)
    lock.release()
    print(os.getpid(), flush=True)
    time.sleep(100)
time.sleep(100)
"""


def test_a_fork_neither_holds_it_nor_lets_go_of_it(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    with started(WITH_A_FORK, tmp_path, **variables) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "False\n"
        fork = int(process.stdout.readline())
        try:
            assert printed(TRYING, tmp_path, **variables).startswith("True\nDirectoryTaken")
            process.kill()
            process.wait()
            assert printed(TRYING, tmp_path, **variables).splitlines() == ["False", "True"]
        finally:
            os.kill(fork, signal.SIGKILL)


def test_it_leaves_a_file_only_where_directories_cannot_be_locked(
    tmp_path: Path, as_on_nfs: Path
) -> None:
    body = "lock = DirectoryLock(path); lock.release(); lock = DirectoryLock(path)"
    printed(body, tmp_path)
    assert not list(tmp_path.iterdir())
    printed(body, tmp_path, LD_PRELOAD=str(as_on_nfs))
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


def test_the_system_s_reason_is_told(tmp_path: Path, as_on_nfs: Path) -> None:
    told = printed(TRYING, tmp_path, LD_PRELOAD=str(as_on_nfs), FLOCK_FAILS="5")
    reason = f"RunDirectoryError cannot lock '{tmp_path}': Input/output error"
    assert told.splitlines() == ["False", reason]


@pytest.mark.parametrize("told", [{"pid": 2**22 + 1}, {"since": "1"}, {}, {"boot": "another"}])
def test_a_file_that_a_process_left_is_no_lock(
    tmp_path: Path, as_on_nfs: Path, told: dict[str, object]
) -> None:
    """Also where another process has its number by now; of another system its heartbeat tells."""
    held = tmp_path / HELD
    lock = HeldFile(held)
    if told:
        held.write_text(json.dumps({**json.loads(held.read_text()), **told}))
    if "boot" in told:
        os.utime(held, (0, 0))
    free = ["False", "True"] if told else ["True", "DirectoryTakenError"]
    line = printed(TRYING, tmp_path, LD_PRELOAD=str(as_on_nfs), FLOCK_FAILS="38").splitlines()
    assert [word.split()[0] for word in line] == free
    lock.release()
    assert held.exists() == bool(told)  # another has taken it


def test_a_file_that_nobody_may_read_is_a_lock_as_long_as_its_heartbeat_tells(
    tmp_path: Path,
) -> None:
    """As another user's on a folder of several; a folder cannot be read by root either."""
    held = tmp_path / HELD
    held.mkdir()
    assert HeldFile.is_held(held)
    with pytest.raises(BlockingIOError):
        HeldFile(held)
    os.utime(held, (0, 0))
    assert not HeldFile.is_held(held)


def test_what_a_process_left_that_was_killed_as_it_took_a_lock_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = tmp_path / HELD
    held.write_text(json.dumps({"pid": 2**22 + 1}))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        lock = HeldFile(held)
    lock.release()
    assert [path.name[:6] for path in tmp_path.iterdir()] == [f"{HELD}."]
    remove_unfinished(tmp_path)
    assert not list(tmp_path.iterdir())


def test_two_that_look_do_not_see_each_other(tmp_path: Path) -> None:
    file = os.open(tmp_path, os.O_RDONLY)
    import fcntl

    fcntl.flock(file, fcntl.LOCK_SH)
    assert not is_being_written(tmp_path)
    os.close(file)


def test_two_in_one_process_exclude_each_other(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    with pytest.raises(DirectoryTakenError):
        DirectoryLock(tmp_path)
    lock.release()
    DirectoryLock(tmp_path).release()


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match=r"cannot lock '.*none': No such file"):
        DirectoryLock(tmp_path / "none")
    assert not is_being_written(tmp_path / "none")


def mounted(run: Path, *, read_only: bool) -> bool:
    """Mounts a directory upon itself; whether this machine lets us."""
    line = ["mount", "--bind", str(run), str(run)]
    if subprocess.run(line, capture_output=True).returncode:
        return False
    if read_only:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(run)], check=True)
    return True


@pytest.fixture
def read_only_run(tmp_path: Path, sum_run: Path) -> Iterator[Path]:
    """A finished run on a disk that can only be read."""
    run = tmp_path / "run"
    shutil.copytree(sum_run, run)
    if not shutil.which("mount") or not mounted(run, read_only=True):
        pytest.skip("this machine lets nobody mount")
    yield run
    subprocess.run(["umount", str(run)], check=True)


LOOKING = """
import sys
from seedbed.cli.main import main
from seedbed.process import fast_start
fast_start.begin()
for command, *words in (["predict", "--input", "[[1, 2]]"], ["inspect", "--weights"], ["summary"]):
    print(command, main([command, sys.argv[1], *words]), file=sys.stderr)
fast_start.end(0)
"""


@pytest.mark.parametrize("variables", ["directory", "no locks"], indirect=True)
def test_commands_that_look_work_on_a_read_only_run(
    read_only_run: Path, variables: dict[str, str]
) -> None:
    line = [sys.executable, "-c", LOOKING, str(read_only_run)]
    environment = {**os.environ, **variables}
    done = processes.run(line, env=environment, capture_output=True, text=True)
    assert done.stderr.splitlines() == ["predict 0", "inspect 0", "summary 0"]


@pytest.mark.parametrize("way", ["directory", "file on NFS"])
def test_resuming_a_read_only_run_tells_that_it_is_read_only(
    way: str,
    read_only_run: Path,
    seedbed_process: Callable,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    if way != "directory":
        monkeypatch.setenv("LD_PRELOAD", str(request.getfixturevalue("as_on_nfs")))
    result = seedbed_process("resume", str(read_only_run), "trainer.epochs=5")
    assert result.code == 2
    (line,) = result.errors
    assert "Read-only file system" in line
    assert "another process" not in line
