"""What a signal does in this process, and what a process leaves that ends by one."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from seedbed.errors import DirectoryTakenError
from seedbed.process import signals
from seedbed.process.fork_map import WORTH_IT, fork_map
from seedbed.process.scratch import scratch_folder
from seedbed.runs.directory import claim
from seedbed.training import interrupt
from seedbed.training.interrupt import stop_request

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from seedbed.process import forks, signals
signals.take_over()
from seedbed.runs.directory import claim
from seedbed.runs.files import write_text
from seedbed.training.interrupt import stop_request

def note(text):
    os.write(1, text.encode() + b"\\n")

def send(*numbers):
    for number in numbers:
        os.kill(os.getpid(), number)
"""


def ended(body: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """A program that takes signals over, at its end."""
    line = [sys.executable, "-c", PROGRAM + body]
    return subprocess.run(
        line, capture_output=True, text=True, timeout=200, check=False, **settings
    )


@pytest.fixture
def untouched() -> Iterator[None]:
    before = [signal.getsignal(number) for number in signals.SIGNALS]
    yield
    assert [signal.getsignal(number) for number in signals.SIGNALS] == before


@pytest.mark.parametrize("number", signals.SIGNALS, ids=lambda number: number.name)
def test_a_signal_ends_the_process_as_shells_count(number: signal.Signals) -> None:
    done = ended(f"send({number:d})\nnote('went on')")
    by = "" if number == signal.SIGINT else f": ended by {number.name}"
    assert (done.returncode, done.stdout) == (128 + number, "")
    assert done.stderr == f"error: interrupted{by}\n"


def test_a_signal_takes_a_temporary_folder_with_it(tmp_path: Path) -> None:
    body = """
from seedbed.process.scratch import scratch_folder
with scratch_folder() as folder:
    (folder / "a").write_text("b")
    note(str(folder.is_dir()))
    send(signal.SIGTERM)
"""
    done = ended(body, env={**os.environ, "TMPDIR": str(tmp_path)})
    assert (done.returncode, done.stdout, [*tmp_path.iterdir()]) == (143, "True\n", [])


def test_a_temporary_folder_is_looked_after_until_it_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, clean = [*signals.at_end], TemporaryDirectory.cleanup
    meanwhile: list[int] = []

    def cleanup(folder: TemporaryDirectory[str]) -> None:
        meanwhile.append(len(signals.at_end))
        clean(folder)

    monkeypatch.setattr(TemporaryDirectory, "cleanup", cleanup)
    with scratch_folder() as folder:
        assert folder.is_dir()
    assert meanwhile == [len(before) + 1]
    assert signals.at_end == before


def test_several_signals_at_once_give_one_line_and_the_first_one_s_code() -> None:
    done = ended("with signals.held():\n    send(signal.SIGTERM, signal.SIGINT, signal.SIGTERM)")
    assert done.returncode in (130, 143)  # the system hands them on by their number
    assert len(done.stderr.splitlines()) == 1


def test_a_signal_after_the_line_was_said_does_not_say_it_again() -> None:
    body = """
with signals.heard_by(lambda number: note("heard")):
    send(signal.SIGINT)
signals.tell_ending()
send(signal.SIGINT)
note("not reached")
"""
    done = ended(body)
    assert (done.returncode, done.stdout, done.stderr) == (130, "heard\n", "error: interrupted\n")


def test_a_signal_waits_for_the_file_that_is_being_written(tmp_path: Path) -> None:
    done = ended(
        """
before = os.replace
def replace(*paths):
    send(signal.SIGTERM)
    time.sleep(0.01)
    before(*paths)
os.replace = replace
write_text(Path("file"), "whole")
note("went on")
"""
    )
    assert (done.returncode, done.stdout) == (143, "")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert Path("file").read_text() == "whole"


def test_a_run_that_a_signal_ends_says_so() -> None:
    done = ended("directory = claim(Path('run'))\nsend(signal.SIGHUP)")
    assert done.returncode == 129
    status = json.loads(Path("run/status.json").read_text())
    assert (status["status"], status["error"]) == ("interrupted", "ended by SIGHUP")


def test_a_run_that_has_ended_stays_as_it_is() -> None:
    ended("directory = claim(Path('run'))\ndirectory.write_status('completed')\nsend(2)")
    assert json.loads(Path("run/status.json").read_text())["status"] == "completed"


def test_what_nohup_ignores_stays_ignored() -> None:
    done = ended(
        "send(signal.SIGHUP)\nnote('goes on')",
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    assert (done.returncode, done.stdout) == (0, "goes on\n")


def test_a_second_signal_a_while_later_ends_at_once() -> None:
    done = ended(
        """
with stop_request() as stop:
    send(signal.SIGTERM, signal.SIGTERM)
    time.sleep(0.01)
    note(f"asked {stop.requested} {stop.at_once}")
    time.sleep(2 * 0.3)
    send(signal.SIGTERM)
    time.sleep(60)
"""
    )
    assert (done.returncode, done.stdout) == (143, "asked True False\n")


def test_a_step_that_takes_too_long_is_not_waited_for() -> None:
    done = ended(
        """
from seedbed.training import interrupt
interrupt.STEP_SECONDS = 0.5
with stop_request():
    send(signal.SIGINT)
    time.sleep(60)
"""
    )
    assert done.returncode == 130


def test_a_fork_ends_with_its_parent_and_does_nothing_of_its_end() -> None:
    done = ended(
        """
signals.at_end.append(lambda: note(f"end of {os.getpid() == parent}"))
parent = os.getpid()
child = forks.fork()
if not child:
    time.sleep(60)
note(str(child))
send(signal.SIGTERM)
"""
    )
    child, end = done.stdout.splitlines()
    assert (done.returncode, end) == (143, "end of True")
    with pytest.raises(ProcessLookupError):
        os.kill(int(child), 0)


def test_a_bar_leaves_the_terminal_its_cursor() -> None:
    body = """
from types import SimpleNamespace as Any
from seedbed.api.run_bar import RunBar
bar = RunBar()
bar.started(Any(config=Any(trainer=Any(epochs=3)), train=[1, 2], updates=2))
send(signal.SIGTERM)
"""
    terminal, theirs = pty.openpty()
    line = [sys.executable, "-c", PROGRAM + body]
    settings = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(line, stdout=theirs, stderr=subprocess.PIPE, env=settings) as process:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # a terminal that nobody writes to any more
            while chunk := os.read(terminal, 4096):
                said += chunk
    os.close(terminal)
    assert process.returncode == 143
    assert said.rindex(b"\x1b[?25h") > said.rindex(b"\x1b[?25l")


def test_called_from_python_handlers_are_put_back(untouched: None) -> None:
    with stop_request() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        until = time.monotonic() + 200
        while not stop.requested and time.monotonic() < until:
            time.sleep(0.001)
        assert stop.requested


def test_called_from_python_the_second_signal_is_a_keyboard_interrupt(
    untouched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press_twice() -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)

    monkeypatch.setattr(interrupt, "SAME_WISH", 0.0)
    with stop_request(), pytest.raises(KeyboardInterrupt):
        press_twice()


def test_another_thread_hears_nothing(untouched: None) -> None:
    def listen() -> None:
        with stop_request() as stop:
            assert not stop.requested

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()


def test_the_fork_that_writes_finishes_when_a_terminal_signals_all(untouched: None) -> None:
    here = os.getpid()

    def work(item: int) -> int:
        if os.getpid() != here:
            for number in signals.SIGNALS:
                os.kill(os.getpid(), number)
        return item

    items = list(range(2 * WORTH_IT))
    assert fork_map(items, work) == items


def test_a_name_that_is_taken_moves_on(tmp_path: Path) -> None:
    """Other names than those that tell the time are the user's own."""
    claim(tmp_path / "mine").release()
    with pytest.raises(DirectoryTakenError):
        claim(tmp_path / "mine")


def test_a_status_is_there_from_the_moment_that_a_directory_is_claimed(tmp_path: Path) -> None:
    directory = claim(tmp_path / "run")
    assert json.loads(directory.status.read_text())["status"] == "running"
    directory.release()


@pytest.mark.parametrize("way", ["stands", "goes back"])
def test_directories_are_claimed_whatever_the_clock_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    import datetime as module

    from seedbed.runs import directory as directories

    now = [module.datetime(1970, 1, 1, 0, 0, 1)]

    class Clock(module.datetime):
        @classmethod
        def now(cls, tz: object = None) -> "Clock":
            if way == "goes back":
                now[0] -= module.timedelta(seconds=1)
            return cls.fromtimestamp(now[0].timestamp(), tz)

    monkeypatch.setattr(directories, "datetime", Clock)
    name = "1970-01-01_00-00-01-000000"
    claimed = [claim(tmp_path / name) for _ in range(4)]
    assert len({one.root for one in claimed}) == 4
    for one in claimed:
        one.release()


def test_the_commands_share_what_is_taken_over(seedbed: Callable) -> None:
    """In this process nothing was: a command run in a test leaves the handlers."""
    before = [signal.getsignal(number) for number in signals.SIGNALS]
    assert seedbed("train", "trainer.epochs=1").code == 0
    assert [signal.getsignal(number) for number in signals.SIGNALS] == before


def test_ctrl_c_while_the_first_modules_are_read_gives_no_traceback() -> None:
    line = [sys.executable, "-c", "import seedbed.start, os; os.kill(os.getpid(), 2)"]
    done = subprocess.run(
        line, capture_output=True, text=True, timeout=200, check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


@pytest.mark.skipif(not PYPROJECT.is_file(), reason="not in a checkout")
def test_the_console_script_begins_with_the_signals() -> None:
    scripts = tomllib.loads(PYPROJECT.read_text())["project"]["scripts"]
    assert scripts == {"seedbed": "seedbed.start:script"}
