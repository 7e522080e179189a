"""`seedbed tag`, `note` and `remove`."""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import seedbed as program
from seedbed.catalog.finding import find_runs
from seedbed.errors import DirectoryTakenError
from seedbed.runs.lock import DirectoryLock
from seedbed.runs.removal import removals, remove


@pytest.fixture
def run(tmp_path: Path, sum_run: Path) -> Path:
    shutil.copytree(sum_run, tmp_path / "outputs/run")
    return tmp_path / "outputs/run"


@pytest.fixture(scope="module")
def made_sweep(tmp_path_factory) -> Path:
    """Three jobs that were trained together."""
    folder = tmp_path_factory.mktemp("sweep")
    with contextlib.chdir(folder):
        done = program.sweep("seed=0,1,2", "trainer.epochs=2", "sweep.fuse=always")
    return done.path


@pytest.fixture
def sweep(tmp_path: Path, made_sweep: Path) -> Path:
    shutil.copytree(made_sweep, tmp_path / "outputs/sweep")
    return tmp_path / "outputs/sweep"


def tags_of(run: Path) -> tuple[str, ...]:
    return find_runs([run])[0].tags


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_tags_are_added_found_and_taken_away(seedbed, run: Path, sweep: Path) -> None:
    job = next(path for path in sorted(sweep.iterdir()) if path.is_dir())
    assert seedbed("tag", run, job, "baseline").code == 0
    assert seedbed("tag", run, "v1.2").out == f"{run}: baseline v1.2\n"
    assert (tags_of(run), tags_of(job)) == (("baseline", "v1.2"), ("baseline",))
    told = json.loads(seedbed("runs", "--filter", "tag=baseline", "--json").out)
    assert len(told["runs"]) == 2
    assert seedbed("tag", run, "v1.2", "--remove").code == 0
    assert tags_of(run) == ("baseline",)


def test_a_run_that_is_being_written_may_be_tagged(seedbed, run: Path) -> None:
    lock = DirectoryLock(run)
    assert seedbed("tag", run, "word").code == 0
    lock.release()
    assert tags_of(run) == ("word",)


TAG = """
import sys
from pathlib import Path
from seedbed.runs.layout import RunPaths
from seedbed.runs.notes import note, tag
for number in range(20):
    tag([RunPaths(Path(sys.argv[1]))], f"{sys.argv[2]}{number}")
note(RunPaths(Path(sys.argv[1])), "kept")
"""


def test_commands_at_once_forget_no_tag(run: Path) -> None:
    lines = [[sys.executable, "-c", TAG, str(run), name] for name in "abc"]
    processes = [subprocess.Popen(line) for line in lines]
    assert [process.wait(timeout=100) for process in processes] == [0, 0, 0]
    assert tags_of(run) == tuple(
        sorted(f"{name}{number}" for name in "abc" for number in range(20))
    )
    assert find_runs([run])[0].note == "kept"


def test_a_note_is_written_replaced_and_taken_away(seedbed, run: Path) -> None:
    seedbed("tag", run, "kept")
    seedbed("note", run, "first")
    assert seedbed("note", run, "loss jumps\nat epoch 12").code == 0
    assert seedbed("note", run).out == "loss jumps\nat epoch 12\n"
    assert find_runs([run])[0].note == "loss jumps\nat epoch 12"
    assert seedbed("note", run, "").out == "no note\n"
    assert tags_of(run) == ("kept",)
    seedbed("tag", run, "kept", "--remove")
    assert not (run / "notes.json").exists()


@pytest.mark.parametrize("word", ["two words", "", "-x", "=1", "a\x1b[2J", "x" * 65, "a/b", "<b>"])
def test_a_word_that_is_no_tag_is_refused(seedbed, run: Path, word: str) -> None:
    result = seedbed("tag", run, "--", word) if word.startswith("-") else seedbed("tag", run, word)
    assert result.code == 2
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    assert "\x1b" not in result.err
    assert not (run / "notes.json").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["tag", "outputs/run"], "required: WORD"),
        (["tag", "nothing", "x"], "does not exist"),
        (["tag", "outputs/run", "nothing", "x"], "does not exist"),
        (["tag", "outputs/run", "outputs"], "the last word is the tag"),
        (["tag", "outputs/run", "x", "--remove"], "has no tag 'x'; it has none"),
        (["note", "outputs/run", "x" * 10_001], "at most 10000 characters"),
        (["note", "outputs/run", "\x1b[2J"], "control characters"),
        (["note", "nothing", "x"], "does not exist"),
    ],
)
def test_mistakes_are_one_line(seedbed, run: Path, words: list[str], told: str) -> None:
    result = seedbed(*words)
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert told in result.err
    assert not (run / "notes.json").exists()


DAMAGED = ["{", "[]", '{"tags": "x"}', '{"tags": ["a b"]}', '{"tags": [], "note": 1}']


@pytest.mark.parametrize("content", DAMAGED)
def test_damaged_notes_are_told_and_not_written_over(seedbed, run: Path, content: str) -> None:
    (run / "notes.json").write_text(content)
    assert seedbed("tag", run, "x").code == 2
    assert seedbed("note", run, "x").code == 2
    assert (run / "notes.json").read_text() == content
    assert find_runs([run])[0].status == "broken"


def test_a_link_in_the_place_of_the_notes_is_not_followed(seedbed, run: Path, tmp_path) -> None:
    (tmp_path / "precious").write_text("{}")
    (run / "notes.json").symlink_to(tmp_path / "precious")
    assert seedbed("tag", run, "x").code == 2
    assert (tmp_path / "precious").read_text() == "{}"


def test_a_run_that_is_made_longer_keeps_its_tags(seedbed, run: Path) -> None:
    seedbed("tag", run, "kept")
    assert seedbed("resume", run, "trainer.epochs=3").code == 0
    assert tags_of(run) == ("kept",)


def test_remove_says_what_goes_and_refuses_without_a_terminal(seedbed, run: Path) -> None:
    result = seedbed("remove", run)
    assert result.code == 2
    assert "type --yes" in result.err
    assert result.out.startswith(f"{run}: run, ")
    assert run.is_dir()


def test_remove_removes_a_run_alone(seedbed, run: Path, sweep: Path) -> None:
    before = files(sweep)
    assert seedbed("remove", run, "--yes").code == 0
    assert not run.exists()
    assert files(sweep) == before
    assert [path.name for path in run.parent.iterdir()] == ["sweep"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "stays"), [("y\n", False), ("n\n", True), ("", True)])
def test_remove_asks_on_a_terminal(seedbed, run: Path, monkeypatch, answer, stays) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    result = seedbed("remove", run)
    assert result.code == 0
    assert "for good? [y/N]" in result.out
    assert run.exists() == stays


def test_a_removed_job_keeps_the_sweep_openable(seedbed, sweep: Path) -> None:
    job = next(path for path in sorted(sweep.iterdir()) if path.is_dir())
    result = seedbed("remove", job, "--yes")
    assert result.code == 0
    assert "cannot be reproduced bit for bit without it" in result.out
    opened = program.load_sweep(sweep)
    assert len(opened) == 2
    assert opened.statuses == {"completed": 2, "pending": 1}
    again = seedbed("reproduce", opened[0].path)
    assert again.code == 2
    assert "lacks a run of its stack" in again.err
    assert len(find_runs([sweep])) == 2


def test_a_sweep_goes_with_all_of_its_runs(seedbed, sweep: Path) -> None:
    (sweep / "my_plot.png").touch()
    result = seedbed("remove", sweep, sweep / "0_seed=0", "--yes")
    assert result.code == 0
    assert "sweep of 3 runs" in result.out
    assert "with it my_plot.png, which no run makes" in result.out
    assert not sweep.exists()


def test_a_run_that_goes_on_is_not_removed_nor_anything_beside_it(seedbed, run, sweep) -> None:
    job = next(path for path in sorted(sweep.iterdir()) if path.is_dir())
    lock = DirectoryLock(job)
    for words in ([job], [run, job], [sweep]):
        result = seedbed("remove", *words, "--yes")
        assert result.code == 2
        assert "is being written" in result.err
    lock.release()
    assert run.is_dir()
    assert job.is_dir()


def test_a_run_that_begins_while_we_ask_is_not_removed(sweep: Path) -> None:
    (removal,) = removals([sweep])
    lock = DirectoryLock(next(path for path in sweep.iterdir() if path.is_dir()))
    with pytest.raises(DirectoryTakenError):
        remove(removal)
    lock.release()
    assert len(find_runs([sweep])) == 3


def test_what_is_no_run_is_not_removed(seedbed, run: Path, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/status.json").write_text('{"ok": true}')
    (tmp_path / "project/sweep.json").write_text("{}")
    (tmp_path / "link").symlink_to(run)
    before = files(tmp_path)
    for target in ("project", "outputs", "link", ".", "nothing", run / "config.yaml"):
        result = seedbed("remove", run, target, "--yes")
        assert result.code == 2, target
        assert result.err.count("\n") == 1
    assert files(tmp_path) == before


def test_a_link_inside_a_run_is_removed_and_not_what_it_names(seedbed, run, tmp_path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").touch()
    (run / "out").symlink_to(tmp_path / "precious")
    assert seedbed("remove", run, "--yes").code == 0
    assert (tmp_path / "precious/file").exists()


SLOW = """
import shutil, sys, time
from seedbed.runs import removal
from seedbed.start import script

def slow(path):
    print("removing", flush=True)
    (path / "status.json").unlink()
    time.sleep(60)

removal.shutil.rmtree = slow
sys.argv[1:] = ["remove", sys.argv[1], "--yes"]
script()
"""


def test_an_interrupted_removal_leaves_nothing_that_looks_like_a_run(run: Path) -> None:
    line = [sys.executable, "-c", SLOW, str(run)]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert any(line == "removing\n" for line in process.stdout)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 130
    assert not run.exists()
    assert find_runs([run.parent]) == []
    (rest,) = run.parent.iterdir()
    assert f"is removed in part; the rest is in '{rest}'" in told


def test_two_removals_at_once_are_one_removal(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other, of a folder above, takes a file away before this one comes to it."""
    real = shutil.rmtree

    def beaten(folder: Path) -> None:
        if "loss.png" in {path.name for path in folder.iterdir()}:
            (folder / "loss.png").unlink()
            raise FileNotFoundError(2, "No such file or directory", str(folder / "loss.png"))
        real(folder)

    monkeypatch.setattr(shutil, "rmtree", beaten)
    (removal,) = removals([run])
    remove(removal)
    assert not list(run.parent.glob("*"))


def test_a_file_that_goes_while_sizes_are_added_has_none(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = removals([run])[0].size
    model = (run / "model.pth").stat().st_size
    real = os.lstat

    def gone(path, *more, **named):
        if str(path).endswith("model.pth"):
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return real(path, *more, **named)

    monkeypatch.setattr(os, "lstat", gone)
    assert removals([run])[0].size == whole - model


def test_what_a_removal_left_that_broke_off_is_named(seedbed, sweep: Path) -> None:
    first, second, *_ = sorted(path for path in sweep.iterdir() if path.is_dir())
    first.rename(sweep / ".removed.first.123")
    result = seedbed("remove", second, "--yes")
    assert result.code == 0
    assert f"note: '{sweep}/.removed.first.123' is the rest of a removal that broke off" in (
        result.err
    )
    assert (sweep / ".removed.first.123/status.json").exists()
