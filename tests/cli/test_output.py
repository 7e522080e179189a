"""Nothing that happens to the output ends a run or spoils it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support import processes

TRAIN = ["train", "trainer.epochs=2", "hydra.run.dir=run"]
SWEEP = ["train", "-m", "seed=1,2", "trainer.epochs=2", "hydra.sweep.dir=sweep"]


def shell(line: str, words: list[str]) -> subprocess.CompletedProcess[str]:
    """A line of a shell, in which `"$@"` is the command; a pipe has the code of its first part."""
    command = [sys.executable, "-m", "seedbed", *words]
    return subprocess.run(
        ["bash", "-c", f'{line}; exit "${{PIPESTATUS[0]}}"', "bash", *command],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip


def statuses() -> list[str]:
    return [json.loads(path.read_text())["status"] for path in Path().rglob("status.json")]


def test_a_run_whose_reader_goes_away_is_trained_to_its_end() -> None:
    line = [sys.executable, "-m", "seedbed", *TRAIN]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with processes.Process(line, bufsize=0, **pipes) as process:
        assert process.stdout.read(1)
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said, statuses()) == (0, b"", ["completed"])


def test_a_sweep_without_standard_output_is_run_to_its_end() -> None:
    done = shell('"$@" >&-', SWEEP)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert statuses() == ["completed", "completed"]
    assert "completed" in Path("sweep/results.csv").read_text()


def test_a_run_without_any_output_keeps_its_files_clean() -> None:
    """A file that takes the number of a closed stream would get what is printed."""
    done = shell('"$@" 0<&- >&- 2>&-', TRAIN)
    assert (done.returncode, statuses()) == (0, ["completed"])
    for path in Path("run").rglob("*"):
        assert path.is_dir() or b"epochs of" not in path.read_bytes() or path.name == "run.log"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_run_whose_output_is_on_a_full_disk_is_whole_and_tells_it() -> None:
    with Path("/dev/full").open("w") as full:
        done = processes.run(
            [sys.executable, "-m", "seedbed", *TRAIN],
            stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    assert (done.returncode, statuses()) == (1, ["completed"])
    assert done.stderr == "error: cannot write the output: No space left on device\n"


def test_a_mistake_is_an_exit_code_where_it_cannot_be_told() -> None:
    assert shell('"$@" >&- 2>&-', ["train", "optimizer.lrr=1"]).returncode == 2


def test_a_pipe_that_does_not_block_gets_all(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    line = [
        sys.executable,
        "-c",
        "from seedbed.process import streams; streams.guard(); print('x' * 300000)",
    ]
    with subprocess.Popen(line, stdout=theirs) as process:
        os.close(theirs)
        with os.fdopen(ours) as pipe:
            assert len(pipe.read()) == 300001
    assert process.returncode == 0


@pytest.mark.parametrize("key", ["hydra.run.dir", "hydra.sweep.dir"])
@pytest.mark.parametrize("value", ["", "' '"], ids=["empty", "blank"])
def test_output_goes_nowhere_without_a_name(seedbed: Callable, key: str, value: str) -> None:
    words = ["-m", "seed=1,2"] if "sweep" in key else []
    result = seedbed("train", "trainer.epochs=1", f"{key}={value}", *words)
    assert result.code == 2
    assert result.errors[0].startswith(f"error: {key} must name a folder, got '")
    assert not list(Path().iterdir())


def test_a_run_writes_over_nothing_of_the_user_s(seedbed: Callable) -> None:
    Path("mine").mkdir()
    Path("mine/history.csv").write_text("of another program")
    result = seedbed("train", "trainer.epochs=1", "hydra.run.dir=mine")
    assert (result.code, result.errors) == (
        2,
        ["error: 'mine' holds 'history.csv', and a run goes into a new or an empty folder; "
         "type another hydra.run.dir, or none"],
    )  # fmt: skip
    assert [path.name for path in Path("mine").iterdir()] == ["history.csv"]


@pytest.mark.parametrize("words", [("hydra.run.dir",), ("hydra.sweep.dir", "-m", "seed=1,2")])
def test_nothing_goes_among_the_user_s_files(seedbed: Callable, words: tuple[str, ...]) -> None:
    Path("mine").mkdir()
    Path("mine/letter.txt").write_text("of another program")
    key, *more = words
    kind = key.split(".")[1]
    result = seedbed("train", "trainer.epochs=1", f"{key}=mine", *more)
    assert (result.code, result.errors) == (
        2,
        [f"error: 'mine' holds 'letter.txt', and a {kind} goes into a new or an empty folder; "
         f"type another {key}, or none"],
    )  # fmt: skip
    assert [path.name for path in Path("mine").iterdir()] == ["letter.txt"]
    Path("mine/letter.txt").unlink()
    assert seedbed("train", "trainer.epochs=1", f"{key}=mine", *more).code == 0


def test_a_run_and_a_sweep_do_not_share_a_folder(seedbed: Callable) -> None:
    assert seedbed("train", "trainer.epochs=1", "hydra.run.dir=one").code == 0
    sweep = seedbed("train", "-m", "seed=1,2", "trainer.epochs=1", "hydra.sweep.dir=one")
    assert sweep.errors == ["error: 'one' holds a run; type another hydra.sweep.dir, or none"]
    assert seedbed("train", "-m", "seed=1,2", "trainer.epochs=1", "hydra.sweep.dir=two").code == 0
    run = seedbed("train", "trainer.epochs=1", "hydra.run.dir=two")
    assert run.errors == ["error: 'two' holds a sweep; type another hydra.run.dir, or none"]


@pytest.mark.parametrize("command", ["resume", "reproduce", "inspect", "plot", "predict"])
def test_a_run_that_may_not_be_read_is_told(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """As root one may read everything; the system is made to say no where it is asked."""
    Path("run").mkdir()
    before = os.stat

    def stat(path: object, *args: object, **settings: object) -> object:
        if str(path).startswith("run/"):
            raise PermissionError(13, "Permission denied", str(path))
        return before(path, *args, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", stat)
    words = {"predict": ["--input", "[[1, 2]]"], "inspect": ["--weights"]}.get(command, [])
    result = seedbed(command, "run", *words)
    assert result.code == 2
    (line,) = result.errors
    assert line.startswith("error: may not open 'run/")
    assert line.endswith(": Permission denied")


def test_loaders_without_shared_memory_are_refused(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where /dev/shm is read-only, which only root may try."""
    import multiprocessing.synchronize

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(multiprocessing.synchronize._multiprocessing, "SemLock", refuse)
    result = seedbed("train", "trainer.epochs=1", "loader.num_workers=2")
    assert (result.code, result.err) == (
        2,
        "error: loader.num_workers=2: processes cannot share memory here (Read-only file system, "
        "as of /dev/shm); type loader.num_workers=0\n",
    )
    assert not list(Path().iterdir())
