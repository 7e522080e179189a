"""A run of another machine is told to live by its heartbeat, whatever the clocks say."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seedbed.errors import DirectoryTakenError
from seedbed.runs import heartbeat
from seedbed.runs.directory import reclaim
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_status


@pytest.fixture
def elsewhere(sum_run: Path, tmp_path: Path) -> Path:
    """A run that a process of another machine makes, which has beaten just now."""
    run = tmp_path / "runs" / "one"
    shutil.copytree(sum_run, run)
    told = {"status": "running", "host": "other", "heartbeat": "status.json", "pid": 1}
    _write(run, **told, ended=None)
    return run


def _write(run: Path, **told: object) -> None:
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps({**status, **told}))


def _touched(file: Path, seconds_ago: float) -> None:
    then = time.time() - seconds_ago
    os.utime(file, (then, then))


def test_a_status_holds_host_process_and_heartbeat(sum_run: Path) -> None:
    status = json.loads((sum_run / "status.json").read_text())
    assert status["host"] == os.uname().nodename
    assert status["heartbeat"] == "status.json"
    assert isinstance(status["pid"], int)


def test_runs_of_a_stack_share_a_heartbeat(iris_sweep: Path) -> None:
    found = {
        run.parent: json.loads(run.read_text())["heartbeat"]
        for run in iris_sweep.glob("*/status.json")
    }
    stacks = [json.loads((run / "result.json").read_text()).get("group") for run in found]
    assert len(set(found.values())) == len(set(stacks)) < len(found)
    assert all((run / told).resolve().is_file() for run, told in found.items())


def test_one_that_beats_goes_on_and_nobody_else_takes_it(
    elsewhere: Path, seedbed: Callable
) -> None:
    assert read_status(RunPaths(elsewhere))["status"] == "running"
    (told,) = json.loads(seedbed("runs", "runs", "--json").out)["runs"]
    assert told["status"] == "running"
    with pytest.raises(DirectoryTakenError, match="is being written by process 1 on other; wait"):
        reclaim(RunPaths(elsewhere))
    for words in (["resume", elsewhere], ["remove", elsewhere, "--yes"]):
        result = seedbed(*words)
        assert result.code == 2
        assert "is being written" in result.errors[0]


def test_one_that_beats_no_more_was_interrupted(elsewhere: Path, seedbed: Callable) -> None:
    _touched(elsewhere / "status.json", heartbeat.STALE_SECONDS + 10)
    assert read_status(RunPaths(elsewhere))["status"] == "interrupted"
    (told,) = json.loads(seedbed("runs", "runs", "--json").out)["runs"]
    assert told["status"] == "interrupted"
    reclaim(RunPaths(elsewhere)).release()


@pytest.mark.parametrize("hours", [-5, 5])
def test_clocks_that_differ_change_nothing(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """The file system stamps by its own clock; this machine's is hours off."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + hours * 3600)
    assert read_status(RunPaths(elsewhere))["status"] == "running"


def test_who_may_not_write_waits_for_a_heartbeat(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "_file_system_time", lambda folder, device: None)
    monkeypatch.setattr(heartbeat, "WAIT_SECONDS", 0.0)
    assert read_status(RunPaths(elsewhere))["status"] == "interrupted"
    heartbeat._seen.clear()
    monkeypatch.setattr(
        time, "sleep", lambda seconds: _touched(elsewhere / "status.json", seconds_ago=-1)
    )
    assert read_status(RunPaths(elsewhere))["status"] == "running"


def test_many_runs_in_a_folder_that_nobody_may_write_into_are_waited_for_once(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(heartbeat, "_file_system_time", lambda folder, device: None)
    monkeypatch.setattr(time, "sleep", waits.append)
    heartbeat._seen.clear()
    runs = [elsewhere]
    for number in range(4):
        runs.append(elsewhere.with_name(f"other{number}"))
        shutil.copytree(elsewhere, runs[-1])
        _touched(runs[-1] / "status.json", seconds_ago=number * 40)
    found = [read_status(RunPaths(run))["status"] for run in runs]
    assert len(waits) == 1
    assert found == ["interrupted", "running", "running", "interrupted", "interrupted"]
    heartbeat._seen.clear()


@pytest.mark.parametrize(
    "told",
    ["../../../etc/hostname", "/etc/hostname", "", "a\0b", 7, None, "no-such-file", "../../x"],
    ids=repr,
)
def test_a_strange_heartbeat_is_none(elsewhere: Path, told: object) -> None:
    _write(elsewhere, heartbeat=told)
    assert read_status(RunPaths(elsewhere))["status"] == "interrupted"


def test_on_its_own_machine_the_lock_tells(elsewhere: Path) -> None:
    """Its process was killed a moment ago."""
    _write(elsewhere, host=os.uname().nodename)
    assert read_status(RunPaths(elsewhere))["status"] == "interrupted"


def test_a_run_of_before_there_were_heartbeats_is_told_by_its_lock(elsewhere: Path) -> None:
    status = json.loads((elsewhere / "status.json").read_text())
    for key in ("host", "heartbeat"):
        status.pop(key)
    (elsewhere / "status.json").write_text(json.dumps(status))
    assert read_status(RunPaths(elsewhere))["status"] == "interrupted"


def test_a_run_touches_its_heartbeat_while_it_trains(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched: list[str] = []
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.0)
    monkeypatch.setattr(heartbeat._pulse, "due", 0.0)
    original = heartbeat.stamp

    def stamp(file: Path) -> None:
        touched.append(str(file))
        before = file.stat().st_mtime_ns
        original(file)
        assert file.stat().st_mtime_ns >= before
        assert file.read_bytes().endswith(b"}\n")

    monkeypatch.setattr(heartbeat, "stamp", stamp)
    run = seedbed("train", "trainer.epochs=3").run
    assert touched.count(f"{run.relative_to(Path.cwd())}/status.json") >= 3
