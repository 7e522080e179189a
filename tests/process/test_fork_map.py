"""Half of the work is done in a fork: its results, its errors, and its death."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seedbed.process.fork_map import WORTH_IT, fork_map

ITEMS = list(range(2 * WORTH_IT))

PROGRAM = """
import json, os, signal
from pathlib import Path
from seedbed.errors import RunDirectoryError
from seedbed.process import fast_start, threads
from seedbed.process.fork_map import WORTH_IT, fork_map

os.cpu_count = lambda: 2
fast_start.begin()
fast_start.imports_done()
ITEMS = list(range(2 * WORTH_IT))
here = os.getpid()

def error_of(work):
    try:
        fork_map(ITEMS, work)
    except Exception as err:
        return [type(err).__name__, str(err)]
"""
"""As the console script: a fork needs a process without threads, which the tests' is not."""


def answer(body: str) -> Any:
    """What the program prints last, read as JSON."""
    line = [sys.executable, "-c", PROGRAM + body]
    done = subprocess.run(line, capture_output=True, text=True, timeout=200, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_results_come_in_order_from_two_processes() -> None:
    done = answer("print(json.dumps(fork_map(ITEMS, lambda item: (item, os.getpid()))))")
    assert [item for item, _ in done] == ITEMS
    assert len({process for _, process in done}) == 2


SERIAL = {
    "few items": ("", "ITEMS[: WORTH_IT - 1]"),
    "none": ("", "[]"),
    "a thread": ("import threading, time; threading.Thread(target=time.sleep, args=[1]).start()",),
    "no fast start": ("fast_start._in_use = False",),
}


@pytest.mark.parametrize("case", SERIAL.values(), ids=SERIAL)
def test_without_a_safe_fork_all_is_done_here(case: tuple[str, ...]) -> None:
    before, items = (*case, "ITEMS")[:2]
    found = answer(f"{before}\nprint(json.dumps(fork_map({items}, lambda _: os.getpid() == here)))")
    assert all(found)


def test_in_a_process_that_imported_seedbed_nothing_forks() -> None:
    assert {*fork_map(ITEMS, lambda _: os.getpid())} == {os.getpid()}


def test_threads_that_torch_computes_in_do_not_prevent_a_fork() -> None:
    """They are ended for it, and both processes go on computing in several threads."""
    body = """
import torch
threads.note_imported()
x = torch.ones(200, 2000)
def total():
    return float((x + 1).sum())
total()
before = len(os.listdir("/proc/self/task"))
print(json.dumps([before, fork_map(ITEMS, lambda _: (os.getpid(), total()))]))
"""
    before, done = answer(body)
    assert before > 1
    assert len({process for process, _ in done}) == 2
    assert {total for _, total in done} == {800_000.0}


def test_files_of_both_halves_are_there(tmp_path: Path) -> None:
    made = f"fork_map(ITEMS, lambda item: (Path({str(tmp_path)!r}) / str(item)).write_text('x'))"
    answer(f"{made}; print(1)")
    assert len(list(tmp_path.iterdir())) == len(ITEMS)


@pytest.mark.parametrize("bad", [0, len(ITEMS) - 1], ids=["here", "there"])
def test_an_error_is_raised_here(bad: int) -> None:
    body = f"""
def work(item):
    if item == {bad}:
        raise RunDirectoryError(f"cannot write {{item}}")
print(json.dumps(error_of(work)))
"""
    assert answer(body) == ["RunDirectoryError", f"cannot write {bad}"]


def test_an_error_that_cannot_be_sent_is_told() -> None:
    body = """
def work(item):
    class Local(Exception):
        "Of a class that only this process has."
    if item == ITEMS[-1]:
        raise Local("told to")
print(json.dumps(error_of(work)))
"""
    assert answer(body) == ["RuntimeError", "Local: told to"]


def test_a_fork_that_dies_is_an_error() -> None:
    body = """
def work(item):
    if os.getpid() != here:
        os.kill(os.getpid(), signal.SIGKILL)
print(json.dumps(error_of(work)))
"""
    assert answer(body) == ["OSError", "a fork died while it wrote"]
