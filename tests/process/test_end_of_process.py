"""The program ends at once, and leaves nothing unsaid."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seedbed.cli import predict

AT_EXIT = """
import atexit, sys, threading, time
from seedbed.cli.main import script
atexit.register(lambda: print("told at the end"))
if "thread" in sys.argv:
    sys.argv.remove("thread")
    threading.Thread(target=lambda: (time.sleep(0.5), print("told by a thread"))).start()
script()
"""


def test_what_is_to_be_done_at_the_end_is_done() -> None:
    assert _said("--version")[-1] == "told at the end"


def test_threads_of_the_user_s_own_are_waited_for() -> None:
    assert {"told by a thread", "told at the end"} < set(_said("thread", "--version"))


def _said(*words: str) -> list[str]:
    line = [sys.executable, "-c", AT_EXIT, *words]
    done = subprocess.run(line, capture_output=True, text=True, timeout=200, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "code"),
    [(["--help"], 0), (["train", "--help"], 0), (["predict", "--help"], 0), (["trian"], 2)],
    ids=["help", "help of train", "help of predict", "mistake"],
)
def test_the_exit_code_is_kept(seedbed_process: Callable, words: list[str], code: int) -> None:
    assert seedbed_process(*words).code == code


def test_a_reader_that_has_gone_is_no_error() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    done = _with_output(theirs)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_behind_the_output_is_told() -> None:
    done = _with_output(os.open("/dev/full", os.O_WRONLY))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "No space left on device" in line


def test_too_little_memory_is_told(
    seedbed: Callable, sum_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "main", lambda words: bytearray(2**62))
    result = seedbed("predict", sum_run, "--input", "[[1, 2]]")
    assert result.code == 1
    assert result.err == (
        "error: not enough memory; less data, a smaller model or a smaller loader.batch_size "
        "takes less\n"
    )


def _with_output(output: int) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "seedbed", "--help"]
    try:
        return subprocess.run(
            line, stdout=output, stderr=subprocess.PIPE, text=True, timeout=200, check=False
        )
    finally:
        os.close(output)
