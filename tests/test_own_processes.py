"""A program of `support.processes` is what a new Python would be, but for what is imported."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support import processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each is a new Python")

LOOK = """
import json, os, random, signal, sys, threading
main = sys.modules["__main__"]
streams = [sys.stdin, sys.stdout, sys.stderr]
told = {
    "words": [sys.argv, sys.orig_argv, sys.path[0], sys.path[1:]],
    "main": [__name__, main is sys.modules[__name__], vars(main) is globals(),
             vars(main).get("__file__")],
    "folder": os.getcwd(), "mask": os.umask(0), "parent": os.getppid(),
    "leads": [os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid()],
    "variables": dict(os.environ),
    "files": sorted(os.listdir("/proc/self/fd")),
    "threads": [one.name for one in threading.enumerate()],
    "streams": [[one.name, one.mode, one.encoding, one.errors, one.newlines, one.line_buffering,
                 one.write_through, type(one.buffer).__name__, one.isatty(),
                 getattr(one.buffer, "raw", one.buffer).name] for one in streams],
    "same": [sys.__stdin__ is sys.stdin, sys.__stdout__ is sys.stdout],
    "signals": [str(signal.getsignal(one)) for one in sorted(signal.valid_signals())],
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "said": sys.stdin.read(),
}
print(json.dumps(told))
"""
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "in a folder": {"cwd": "/"},
    "in a session": {"start_new_session": True},
    "in a group": {"process_group": 0},
    "with variables": {"env": {**os.environ, "SEEDBED_X": "é", "PYTHONPATH": "a:/b"}},
}


CASES = [*(("plain", kind) for kind in ("-c", "-m", "file")), *((way, "-c") for way in WAYS)]


@pytest.mark.parametrize(("way", "kind"), dict.fromkeys(CASES))
def test_it_finds_what_a_new_python_finds(tmp_path: Path, way: str, kind: str) -> None:
    path = tmp_path / "look.py"
    path.write_text(LOOK)
    settings = {"env": {**os.environ}, **WAYS[way]}  # not what C libraries add to it
    if kind == "-m":
        settings["env"] = {**settings["env"], "PYTHONPATH": str(tmp_path)}
    words = {"-c": ["-c", LOOK], "-m": ["-m", "look"], "file": [str(path)]}[kind]
    line = [sys.executable, *words, "a", "-b"]
    told = [
        run(line, input="é", capture_output=True, check=True, encoding="utf-8", **settings)
        for run in (processes.run, subprocess.run)
    ]
    ours, theirs = (json.loads(one.stdout) for one in told)
    assert ours["parent"] == os.getpid()
    assert ours == theirs


ENDS = {
    "its end": ("", 0),
    "an exit": ("import sys; sys.exit(3)", 3),
    "words": ("raise SystemExit('no')", 1),
    "an error": ("1 / 0", 1),
    "a Ctrl-C": ("import os; os.kill(os.getpid(), 2)", -2),
    "a signal": ("import os; os.kill(os.getpid(), 15)", -15),
    "a thread that fails": ("import threading; threading.Thread(target=int, args='x').start()", 0),
    "at the end": ("import atexit; atexit.register(print, 'told')", 0),
}


@pytest.mark.parametrize(("program", "code"), ENDS.values(), ids=ENDS)
def test_it_ends_as_a_new_python_ends(program: str, code: int) -> None:
    line = [sys.executable, "-c", f"print('begun')\n{program}"]
    ours, theirs = (
        run(line, capture_output=True, text=True, check=False)
        for run in (processes.run, subprocess.run)
    )
    assert (ours.returncode, theirs.returncode) == (code, code)
    assert ours.stdout == theirs.stdout
    assert ours.stderr.splitlines()[-1:] == theirs.stderr.splitlines()[-1:]


def test_it_can_be_killed_and_has_not_ended_before() -> None:
    line = [sys.executable, "-c", "print('begun', flush=True); import time; time.sleep(100)"]
    with processes.Process(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.01)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(timeout=100) == -signal.SIGKILL
    until = time.monotonic() + 100
    while Path(f"/proc/{process.pid}").exists() and time.monotonic() < until:
        time.sleep(0.01)
    assert not Path(f"/proc/{process.pid}").exists()


ASKS = "import sys; print('torch' in sys.modules)"
NUMBERS = "import random, numpy; print(random.random(), numpy.random.rand(), id(0))"


def test_its_imports_are_done_and_its_numbers_its_own() -> None:
    now = processes._early(os.environ)
    assert now == processes.EARLY, "a library sets a variable while it is imported: see LATE"
    assert processes.run([sys.executable, "-c", ASKS], capture_output=True).stdout == b"True\n"
    draws = [
        processes.run([sys.executable, "-c", NUMBERS], capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    one, other = (said.split() for said in draws)
    assert one[0] != other[0]
    assert one[1] != other[1]


@pytest.mark.parametrize(
    "settings",
    [{"env": {**os.environ, "OMP_NUM_THREADS": "1"}}, {"preexec_fn": lambda: None}, {"umask": 0}],
    ids=["a variable from the start", "a function", "a mask"],
)
def test_what_a_fork_cannot_give_a_new_python_gives(settings: dict[str, Any]) -> None:
    done = processes.run([sys.executable, "-c", ASKS], capture_output=True, **settings)
    assert done.stdout == b"False\n"


def test_a_folder_that_is_not_there_is_told() -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        processes.run([sys.executable, "-c", ASKS], cwd="nowhere")


def test_it_leads_its_group_at_once() -> None:
    line = [sys.executable, "-c", "import time; time.sleep(100)"]
    for _ in range(20):
        with processes.Process(line, start_new_session=True) as process:
            os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL


STREAMS = """
import sys
print(*((one.encoding, one.errors) for one in (sys.stdin, sys.stdout, sys.stderr)))
"""


@pytest.mark.parametrize("asked", ["", "ascii", "latin-1:replace", ":ignore", "utf-8:"])
def test_its_streams_are_encoded_as_a_new_python_s(asked: str) -> None:
    line = [sys.executable, "-c", STREAMS]
    settings = {"env": {**os.environ, "PYTHONIOENCODING": asked}, "capture_output": True}
    assert processes.run(line, **settings).stdout == subprocess.run(line, **settings).stdout


THERE = """
import sys
print(sorted({"torch", "hydra", "matplotlib", "seedbed", "sklearn"} & sys.modules.keys()))
"""


def test_a_process_with_torch_has_nothing_else() -> None:
    """So that a test sees what Seedbed imports."""
    line = [sys.executable, "-c", THERE]
    done = processes.run(line, capture_output=True, kind=processes.ProcessWithTorch)
    assert done.stdout == b"['torch']\n"
