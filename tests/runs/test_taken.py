"""A process that stood still finds that another has gone on: it writes no more of what it made."""

import errno
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from seedbed.errors import DirectoryTakenError, RunDirectoryError, RunTakenError
from seedbed.recording import ours
from seedbed.runs import heartbeat, living, owner, stored
from seedbed.runs.directory import RunDirectory, begun_in_pack, claim, reclaim
from seedbed.runs.layout import RunPaths
from seedbed.runs.moment import Moment
from seedbed.runs.pack_writer import PackWriter
from seedbed.runs.status import Status
from seedbed.runs.sweep_hold import held, refuse_held
from seedbed.sweep.outcome import JobState, SweepState

ELSEWHERE = {"host": "other", "boot": "another", "pid": 7, "owner": "theirs"}


def _told_by_another(file: Path, **more: object) -> bytes:
    """What a process of another machine writes; the whole file."""
    told = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**told, **ELSEWHERE, "status": "running", **more}))
    return file.read_bytes()


def _aged(file: Path) -> None:
    os.utime(file, (0, 0))


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunDirectory]:
    made = claim(tmp_path / "run")
    made.write_status(Status.RUNNING)
    yield made
    made.release()


@pytest.mark.parametrize("status", list(Status)[1:6], ids=str)
def test_a_status_of_another_process_is_not_written_over(run: RunDirectory, status: Status) -> None:
    theirs = _told_by_another(run.status)
    with pytest.raises(RunTakenError, match="is made by process 7 on other now: this process was"):
        run.write_status(status)
    assert run.status.read_bytes() == theirs


def test_a_file_that_is_taken_away_while_it_is_written_tells_who_went_on(run: RunDirectory) -> None:
    made = ours.Ours({0: SimpleNamespace(directory=run)})  # type: ignore[dict-item]  # all it asks
    nowhere = run.root / "none" / "best.pt"
    with pytest.raises(RunDirectoryError, match="cannot write") as missing, made.written([0]):
        run.files.write(nowhere, b"")
    assert not isinstance(missing.value, RunTakenError)

    def written_while_another_goes_on() -> None:
        with made.written([0]):
            _told_by_another(run.status)
            run.files.write(nowhere, b"")

    with pytest.raises(RunTakenError, match="is made by process 7 on other now"):
        written_while_another_goes_on()


def test_a_run_that_was_removed_meanwhile_is_not_made_again(run: RunDirectory) -> None:
    run.root.rename(run.root.with_name("elsewhere"))
    with pytest.raises(RunTakenError, match="was removed or moved while this process made it"):
        run.write_status(Status.COMPLETED)
    assert not run.root.exists()


def test_a_disk_that_does_not_answer_takes_no_run(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.status.unlink()

    def silent(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "lstat", silent)
    run.refuse_if_taken()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"status": "running"}'], ids=repr)
def test_a_status_that_somebody_changed_by_hand_takes_no_run(
    run: RunDirectory, content: bytes
) -> None:
    run.status.write_bytes(content)
    run.refuse_if_taken()


def test_a_process_of_an_earlier_version_takes_a_run_as_well(run: RunDirectory) -> None:
    run.status.write_text('{"status": "running", "host": "other", "pid": 7}')
    with pytest.raises(RunTakenError, match="is made by process 7 on other now"):
        run.refuse_if_taken()


def test_a_run_that_is_taken_tells_so_before_it_is_gone_on_with(tmp_path: Path) -> None:
    """Else its process would not see it until the parts are built here, and write meanwhile."""
    made = claim(tmp_path / "run")
    made.release()
    _told_by_another(made.status, heartbeat="status.json")
    with pytest.raises(DirectoryTakenError, match="is being written by process 7 on other"):
        reclaim(RunPaths(made.root))
    _aged(made.status)
    mine = reclaim(RunPaths(made.root))
    told = json.loads(made.status.read_text())
    assert (told["status"], told["owner"]) == ("interrupted", owner.OWNER)
    mine.release()


def test_a_status_that_is_replaced_while_it_is_read_tells_what_it_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client of NFS finds the file stale that it has open; its process lives."""
    made = claim(tmp_path / "run")
    made.release()
    _told_by_another(made.status, heartbeat="status.json")
    stale = [2, 1]

    def opened(path: Path) -> io.BytesIO:
        class Stale(io.BytesIO):
            def read(self, *_: object) -> bytes:
                if stale[0]:
                    stale[0] -= 1
                    raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
                return super().read()

        return Stale(path.read_bytes())

    def fstat(number: int) -> os.stat_result:
        if stale[1]:
            stale[1] -= 1
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return original(number)

    original = os.fstat
    monkeypatch.setattr(stored, "open_stored", opened)
    monkeypatch.setattr(os, "fstat", fstat)
    assert living.is_being_made(made.root)
    assert stale == [0, 0]


def test_of_two_that_begin_a_run_at_once_one_goes_on(tmp_path: Path) -> None:
    """Where no lock is seen both may claim it; one sees the status of the other."""
    mine = claim(tmp_path / "run")
    theirs = _told_by_another(mine.status)
    with pytest.raises(RunTakenError):
        mine.write_status(Status.RUNNING)
    assert mine.status.read_bytes() == theirs
    mine.release()


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"host": os.uname().nodename}, False),
        ({"host": os.uname().nodename, "boot": owner.this_boot()}, False),
        ({"host": os.uname().nodename, "boot": "another"}, True),
        ({"host": "other", "boot": owner.this_boot()}, True),
        ({"host": os.uname().nodename, "boot": 7}, False),
        ({}, False),
    ],
    ids=["earlier version", "here", "of one name", "container", "strange", "nothing"],
)
def test_machines_of_one_name_are_told_apart(told: dict[str, object], *, expected: bool) -> None:
    assert owner.is_elsewhere(told) is expected


def test_a_pack_whose_name_another_file_has_is_written_no_more(tmp_path: Path) -> None:
    pack = PackWriter(tmp_path, 1)
    pack.path.rename(tmp_path / "aside")
    pack.path.write_bytes(b"of another process")
    pack.write(tmp_path / "one" / "result.json", b"{}")
    with pytest.raises(RunTakenError, match="was removed or moved"):
        pack.commit()
    with pytest.raises(RunTakenError):
        pack.close()
    assert pack.path.read_bytes() == b"of another process"


def test_a_run_of_a_pack_that_has_a_directory_by_now_is_taken(tmp_path: Path) -> None:
    with PackWriter(tmp_path, 1) as pack:
        run = begun_in_pack(tmp_path / "one", pack, Moment())
        run.write_status(Status.RUNNING)
        run.root.mkdir()
        _told_by_another(run.status)
        with pytest.raises(RunTakenError, match="is made by process 7 on other now"):
            run.write_status(Status.COMPLETED)
        run.release()


def test_a_sweep_tells_who_runs_it_as_long_as_somebody_does(tmp_path: Path) -> None:
    with held(tmp_path):
        told = json.loads((tmp_path / ".running").read_text())
        assert (told["pid"], told["owner"]) == (os.getpid(), owner.OWNER)
        with pytest.raises(DirectoryTakenError):
            refuse_held(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_sweep_that_another_machine_runs_is_refused_until_its_heartbeat_ends(
    tmp_path: Path,
) -> None:
    file = tmp_path / ".running"
    _told_by_another(file, heartbeat=".running")
    with (
        pytest.raises(DirectoryTakenError, match="is being written by process 7 on other"),
        held(tmp_path),
    ):
        pass
    _aged(file)
    with held(tmp_path):
        assert json.loads(file.read_text())["owner"] == owner.OWNER


def test_a_sweep_that_was_taken_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = SweepState(tmp_path, [JobState(0, [], "0_", "")])
    with held(tmp_path):
        sweep.write_all()
        (tmp_path / "results.csv").unlink()
        theirs = _told_by_another(tmp_path / ".running")
        for write in (sweep.write_jobs, sweep.write_table, sweep.write_all):
            with pytest.raises(RunTakenError, match="is made by process 7 on other now"):
                write()
        monkeypatch.setattr(heartbeat._pulse, "due", 0.0)
        with pytest.raises(RunTakenError):  # also where a job of it trains
            heartbeat.beat()
    assert (tmp_path / ".running").read_bytes() == theirs
    assert not (tmp_path / "results.csv").exists()


def test_a_sweep_that_another_has_ended_meanwhile_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who ends a sweep takes its file away."""
    sweep = SweepState(tmp_path, [JobState(0, [], "0_", "")])
    with held(tmp_path):
        sweep.write_all()
        (tmp_path / "results.csv").write_text("theirs")
        (tmp_path / ".running").unlink()
        monkeypatch.setattr(heartbeat._pulse, "due", 0.0)
        for write in (sweep.write_jobs, sweep.write_all, heartbeat.beat):
            with pytest.raises(RunTakenError, match=r"its file '\.running' is gone, as where"):
                write()
    assert (tmp_path / "results.csv").read_text() == "theirs"


def test_what_a_run_was_before_it_is_made_longer_is_not_put_back_over_anothers(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = seedbed("train", "trainer.epochs=2").run
    original = RunDirectory.refuse_if_taken

    def as_another_goes_on(directory: RunDirectory) -> None:
        if (run / ".before").exists() and (run / "run.log").read_text().count("going on"):
            _told_by_another(run / "status.json")
        original(directory)

    monkeypatch.setattr(RunDirectory, "refuse_if_taken", as_another_goes_on)
    result = seedbed("resume", str(run), "trainer.epochs=4")
    assert result.code == 1
    assert "is made by process 7 on other now" in result.errors[0]
    assert (run / ".before").exists()
    assert json.loads((run / "status.json").read_text())["owner"] == "theirs"


def test_a_run_that_ended_may_go_while_others_of_its_stack_train(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The heartbeat of a stack is the status of its first run, which may end before the others."""
    removed: list[Path] = []
    original = heartbeat.is_due

    def is_due() -> bool:
        first = Path("sweep/0_trainer.epochs=2")
        if not removed and json.loads((first / "status.json").read_text())["ended"]:
            shutil.rmtree(first)
            removed.append(first)
        return bool(removed) or original()

    monkeypatch.setattr(ours, "is_due", is_due)
    words = ["trainer.epochs=2,6", "sweep.fuse=always", "sweep.workers=0", "hydra.sweep.dir=sweep"]
    result = seedbed("train", "-m", *words)
    assert result.code == 0, result.err
    assert removed
