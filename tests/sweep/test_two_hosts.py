"""Two hosts that share a folder: network and host name of each are namespaces of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.other_host import HOST, OTHER_HOST, refused

from seedbed.runs import heartbeat, living

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(refused()), reason=refused()),
]


@pytest.fixture
def sweep(tmp_path: Path) -> Iterator[Path]:
    """A sweep that the other host trains: one stack, for as long as the test takes."""
    words = ["train", "-m", "seed=1,2", "trainer.epochs=1000000", "sweep.fuse=always"]
    words += ["sweep.workers=0", "trainer.checkpoint_every='200 steps'", "hydra.sweep.dir=sweep"]
    process = subprocess.Popen([*OTHER_HOST, sys.executable, "-m", "seedbed", *words], cwd=tmp_path)
    try:
        until = time.monotonic() + 100
        while len(list(tmp_path.glob("sweep/*/checkpoints/last.pt"))) < 2:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        yield tmp_path / "sweep"
    finally:
        process.kill()
        process.wait()


def _statuses(seedbed: Callable) -> set[str]:
    return {run["status"] for run in json.loads(seedbed("runs", "sweep", "--json").out)["runs"]}


def test_one_that_lives_is_told_from_one_that_is_unplugged(
    seedbed: Callable, sweep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host of the sweep is unplugged: its processes stand still, and then are no more.

    Disks that are shared without locks tell nothing of locks; here they are looked away from.
    """
    status = json.loads((sweep / "0_seed=1/status.json").read_text())
    assert status["host"] == HOST
    assert _statuses(seedbed) == {"running"}
    (line,) = seedbed("resume", "sweep").errors
    assert "is being written by another process" in line  # its lock holds here too
    with monkeypatch.context() as patch:
        patch.setattr(living, "is_being_written", lambda path: False)
        assert _statuses(seedbed) == {"running"}
        (line,) = seedbed("resume", "sweep/0_seed=1").errors
        assert f"is being written by process {status['pid']} on {HOST}" in line
        monkeypatch.setattr(heartbeat, "STALE_SECONDS", 2.0)
        os.kill(status["pid"], signal.SIGSTOP)
        time.sleep(3)
        assert _statuses(seedbed) == {"interrupted"}
    os.kill(status["pid"], signal.SIGKILL)
    time.sleep(3)
    assert _statuses(seedbed) == {"interrupted"}
    assert seedbed("remove", "sweep", "--yes").code == 0
