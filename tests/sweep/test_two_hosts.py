"""Two hosts that share a folder: network and host name of each are namespaces of their own."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import processes
from support.other_host import HOST, ON_OTHER_HOST, refused

from seedbed.runs import heartbeat
from seedbed.runs.directory import reclaim
from seedbed.runs.layout import RunPaths
from seedbed.runs.status import Status

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(refused()), reason=refused()),
]


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The other host trains a sweep, of one stack, for as long as the test takes."""
    words = ["train", "-m", "seed=1,2", "trainer.epochs=1000000", "sweep.fuse=always"]
    words += ["sweep.workers=0", "trainer.checkpoint_every='5000 steps'", "hydra.sweep.dir=sweep"]
    line = [sys.executable, "-c", ON_OTHER_HOST, "seedbed", *words]
    with processes.Process(line, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 100
        while len(list(tmp_path.glob("sweep/*/checkpoints/last.pt"))) < 2:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        yield process
        process.kill()


def _statuses(seedbed: Callable) -> list[str]:
    return sorted(
        run["status"] for run in json.loads(seedbed("runs", "sweep", "--json").out)["runs"]
    )


def _contents(run: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in run.rglob("*") if file.is_file()}


def _stopped_between_checkpoints(pid: int, sweep: Path) -> None:
    """Right after one: a write that has begun can be completed later, before anybody is asked."""
    last = sweep / "1_seed=2" / "checkpoints" / "last.pt"
    before = last.stat().st_mtime_ns
    while last.stat().st_mtime_ns == before:
        time.sleep(0.01)
    os.kill(pid, signal.SIGSTOP)
    while [*sweep.glob("*/checkpoints/.*.tmp")]:
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.01)
        os.kill(pid, signal.SIGSTOP)


@contextmanager
def _locks_of_the_other_host_are_not_seen() -> Iterator[None]:
    """As on disks that hosts share without locks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fcntl, "flock", lambda *_: None)
        yield


def test_one_that_lives_is_told_from_one_that_is_unplugged(
    seedbed: Callable,
    other: subprocess.Popen[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other host is unplugged: its processes stand still. This one goes on; then it is back."""
    sweep = tmp_path / "sweep"
    mine, its = sweep / "0_seed=1", sweep / "1_seed=2"
    status = json.loads((mine / "status.json").read_text())
    assert status["host"] == HOST
    assert _statuses(seedbed) == ["running", "running"]
    (line,) = seedbed("resume", "sweep").errors
    assert "is being written by another process" in line  # its lock holds here too
    with _locks_of_the_other_host_are_not_seen():
        assert _statuses(seedbed) == ["running", "running"]
        for words in (["resume", "sweep/0_seed=1"], ["resume", "sweep"]):
            result = seedbed(*words)
            assert result.code == 2
            assert f"is being written by process {status['pid']} on {HOST}" in result.errors[0]
        assert "is being written" in seedbed("remove", "sweep", "--yes").errors[0]
        _stopped_between_checkpoints(status["pid"], sweep)
        monkeypatch.setattr(heartbeat, "STALE_SECONDS", 1.0)
        time.sleep(1.5)
        assert _statuses(seedbed) == ["interrupted", "interrupted"]
        taken = reclaim(RunPaths(mine))
        taken.write_status(Status.RUNNING)
        taken.files.write(taken.last, b"of this host")
        before = _contents(mine)
        os.kill(status["pid"], signal.SIGCONT)
        assert other.stderr is not None
        error = other.stderr.read().splitlines()[-1]
        assert other.wait() == 1
    assert error == (
        f"error: 'sweep/0_seed=1' is made by process {os.getpid()} on {os.uname().nodename} now: "
        "this process was not heard of for long, as when a machine sleeps or loses its network; "
        "it ends, and writes no more"
    )
    assert _contents(mine) == before
    assert json.loads((its / "status.json").read_text())["status"] == "interrupted"
    assert not (sweep / ".running").exists()
    taken.release()
    assert seedbed("remove", "sweep", "--yes").code == 0
