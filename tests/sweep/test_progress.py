"""What a sweep says while it goes: on a real terminal, and in a pipe."""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest
from rich.console import Console
from support import processes

from seedbed.analysis.leader import Leader
from seedbed.api.messages import Printed
from seedbed.api.sweep_display import SweepDisplay
from seedbed.api.sweep_lines import SweepLines
from seedbed.sweep.outcome import JobState


def record(number: int, status: str = "completed", **metrics: float) -> JobState:
    named = {name.replace("_", "/"): value for name, value in metrics.items()}
    error = None if status == "completed" else "told to"
    return JobState(number, [f"seed={number}"], f"{number}_x", "", status, error, None, named)


def on_a_terminal(folder: Path, *words: str) -> str:
    """Everything that the command line sends to a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    line = [sys.executable, "-m", "seedbed", *words]
    names = ("NO_COLOR", "COLUMNS", "LINES")
    settings = {name: value for name, value in os.environ.items() if name not in names}
    settings["TERM"] = "xterm-256color"
    sent = b""
    with processes.Process(line, cwd=folder, stdout=theirs, stderr=theirs, env=settings) as process:
        os.close(theirs)
        try:
            while part := os.read(ours, 65536):
                sent += part
        except OSError:  # Linux says so when the other end is closed
            pass
        assert process.wait(timeout=200) == 0, sent.decode()
    os.close(ours)
    return sent.decode()


def screen(sent: str) -> list[str]:
    """The lines that stay on the terminal: carriage return, line feed, line erased, one line up."""
    lines, row, column = [""], 0, 0
    for code, char in re.findall(r"\x1b\[([0-9;?]*[A-Za-z])|(.|\n|\r)", sent):
        if code == "1A":
            row -= 1
        elif code == "2K":
            lines[row] = ""
        elif char == "\r":
            column = 0
        elif char == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif char:
            lines[row] = lines[row][:column].ljust(column) + char + lines[row][column + 1 :]
            column += 1
    return [line.rstrip() for line in lines if line.strip()]


@pytest.mark.slow
@pytest.mark.parametrize("fuse", ["always", "never"])
def test_a_terminal_shows_how_far_a_sweep_is_and_keeps_the_final_lines_alone(
    tmp_path: Path, fuse: str
) -> None:
    grid = ["seed=range(0,12)", "trainer.epochs=40", f"sweep.fuse={fuse}", "hydra.sweep.dir=sweep"]
    sent = on_a_terminal(tmp_path, "train", "-m", *grid)
    assert "12/12 jobs" in sent
    assert "runs/s" in sent
    assert re.search(r"best \d\d_seed=\d+ train/loss \d", sent)
    left = screen(sent)
    assert left[0] == "the best 10 of 12 jobs by train/loss:"
    assert left[-1] == "sweep: sweep"
    assert not any("runs/s" in line for line in left)


def test_the_display_tells_how_far_a_stack_is() -> None:
    """A frame asked for, as a fast machine ends a sweep before the first one of its own."""
    drawn = io.StringIO()
    console = Console(file=drawn, force_terminal=True, width=80, highlight=False)
    display = SweepDisplay("auto", console)
    display.started(12, 12)
    display.stack_started(1, 12)
    display.stack_step(1, 0.25, 12)
    display.live.refresh()
    display.ended()
    assert "0/12 jobs" in drawn.getvalue()
    assert "stack 1: 12 runs, 25%" in drawn.getvalue()


def test_the_display_has_no_thread_while_it_is_paused_and_leaves_the_lines_above() -> None:
    before, drawn = {*threading.enumerate()}, io.StringIO()
    display = SweepDisplay(
        "auto", Console(file=drawn, force_terminal=True, width=80, highlight=False)
    )
    display.note("one")
    display.started(12, 12)
    for number in (1, 2):
        with display.paused():
            assert {*threading.enumerate()} <= before
        display.stack_started(number, 6)
        display.stack_step(number, 0.5, 6)
        display.note(f"stack {number}")
    display.live.refresh()
    assert "stacks 1, 2: 12 runs, 50%" in drawn.getvalue()
    display.ended()
    assert screen(drawn.getvalue()) == ["note: one", "note: stack 1", "note: stack 2"]


def test_jobs_of_two_stacks_count_each_in_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    lines = SweepLines("auto")
    lines.started(30, 30)
    lines.stack_started(1, 20)
    lines.stack_started(2, 10)
    now = 10.0
    lines.stack_step(1, 0.25, 20)
    lines.stack_step(2, 0.5, 10)
    assert lines.rate == 1.0
    for number in range(10):
        ended = record(number, train_loss=1.0)
        ended.group = 2
        lines.job_ended(ended)
    lines.stack_ended(2)
    assert lines.rate == 1.5
    lines.stack_ended(1)  # failed: its jobs run again
    assert lines.rate == 1.0


@pytest.mark.slow
def test_notes_stay_above_the_display(tmp_path: Path) -> None:
    grid = ["seed=1,1,2", "model=manual,custom", "trainer.epochs=2", "hydra.sweep.dir=sweep"]
    left = screen(on_a_terminal(tmp_path, "train", "-m", *grid))
    assert left[0] == "note: 2 of 6 jobs repeat another's settings; left out"
    assert left[-1] == "sweep: sweep"


def test_a_job_has_a_line_where_there_are_few(seedbed: Callable) -> None:
    out = seedbed("train", "-m", "seed=1,2", "trainer.epochs=1", "sweep.fuse=never").out
    assert re.search(r"^1/2 0_seed=1: completed train/loss [\d.]+\n2/2 1_seed=2: ", out, re.M)


def test_a_thousand_jobs_have_about_ten_lines(capsys: pytest.CaptureFixture[str]) -> None:
    lines = SweepLines("auto")
    lines.started(2000, 1000)
    for number in range(1000):
        lines.job_ended(record(number, train_loss=1.0 / (1 + number)))
    lines.ended()
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 11
    assert said[0].startswith("1001/2000 jobs, 0 failed, ")
    assert re.fullmatch(
        r"1200/2000 jobs, 0 failed, \S+ runs/s, \d+ s left, best 199_x train/loss 0.005", said[2]
    )
    assert said[-1].startswith("2000/2000 jobs, 0 failed, ")


def test_of_many_failures_twenty_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    lines = SweepLines("auto")
    lines.started(300, 300)
    for number in range(300):
        lines.job_ended(record(number, "failed" if number % 2 else "completed", train_loss=1.0))
    lines.ended()
    said = capsys.readouterr().out.splitlines()
    told = [line for line in said if line.endswith("told to")]
    assert len(told) == 20
    assert told[0] == "2/300 1_x: failed train/loss 1 told to"
    assert said[-1] == "and 130 more failed"


def test_a_line_is_said_when_time_has_passed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    lines = SweepLines("auto")
    lines.started(1000, 1000)
    lines.stack_started(1, 1000)
    for second in range(1, 22):
        now = 100.0 + second
        lines.stack_step(1, second / 100, 1000)
    assert capsys.readouterr().out.splitlines() == [
        "0/1000 jobs, 0 failed, 10 runs/s, 89 s left",
    ]


def test_runs_that_train_count_by_the_part_that_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    lines = SweepLines("auto")
    lines.started(30, 30)
    lines.stack_started(1, 20)
    now = 10.0
    lines.stack_step(1, 0.5, 10)  # ten have left the stack already
    assert (lines.rate, lines.seconds_left) == (1.5, 10.0)
    for number in range(20):
        ended = record(number, train_loss=1.0)
        ended.group = 1
        lines.job_ended(ended)
    assert lines.rate == 2.0


@pytest.mark.parametrize("made", [SweepLines, SweepDisplay])
def test_a_step_calls_the_clock_at_most(made: Callable) -> None:
    """A stack of small networks takes a step in a fraction of a millisecond."""
    told = made("auto")
    told.started(1000, 1000)
    told.stack_started(1, 1000)
    calls: list[str] = []

    def count(frame: FrameType, event: str, function: object) -> None:
        if event in ("call", "c_call"):
            calls.append(frame.f_code.co_name if event == "call" else function.__name__)

    sys.setprofile(count)
    told.stack_step(1, 0.5, 1000)
    sys.setprofile(None)
    told.ended()
    assert [name for name in calls if name != "setprofile"] in (
        ["stack_step"],
        ["stack_step", "monotonic"],
    )


def test_what_is_no_terminal_has_lines() -> None:
    assert isinstance(Printed().sweep_progress("auto", []), SweepLines)


@pytest.mark.parametrize(
    ("monitor", "jobs", "best"),
    [
        ("auto", [{"train_loss": 2.0}, {"train_loss": 1.0}], 1),
        ("auto", [{"train_loss": 1.0, "val_loss": 3.0}, {"train_loss": 2.0, "val_loss": 1.0}], 1),
        ("auto", [{"train_loss": 0.1}, {"train_loss": 2.0, "val_loss": 1.0}], 1),
        ("train/loss", [{"train_loss": 1.0, "val_loss": 3.0}, {"train_loss": 2.0}], 0),
        ("val/accuracy", [{"val_accuracy": 0.2}, {"val_accuracy": 0.9}], 1),
        ("val/r2", [{"val_r2": 0.9}, {"val_r2": float("nan")}, {"val_r2": 0.2}], 0),
    ],
    ids=["train loss", "val loss", "val loss comes late", "named", "higher", "nan"],
)
def test_the_best_is_by_the_monitored_value(
    monitor: str, jobs: list[dict[str, float]], best: int
) -> None:
    leader = Leader(monitor)
    for number, metrics in enumerate(jobs):
        leader.take(record(number, **metrics))
    leader.take(record(9, "diverged", train_loss=-1.0, val_loss=-1.0, val_accuracy=2.0))
    assert leader.folder == f"{best}_x"


RESUMING = """
import sys
from seedbed.cli.main import main
sys.exit(main(["resume", sys.argv[1]]) or "torch" in sys.modules)
"""


def test_what_is_said_of_a_sweep_needs_no_torch() -> None:
    names = "seedbed.api.sweep_lines, seedbed.cli.sweep_report"
    code = f"import sys, {names}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=200).returncode == 0


def test_resuming_a_complete_sweep_needs_no_torch(seedbed: Callable) -> None:
    sweep = seedbed("train", "-m", "seed=1,2", "trainer.epochs=1").sweep
    line = [sys.executable, "-c", RESUMING, str(sweep)]
    done = subprocess.run(line, capture_output=True, timeout=200, check=False)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, b"complete already"), done.stderr
