"""The fork that composed does one more thing, or this process does it; the result is the same."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")

PROGRAM = """
import os, signal, sys, time
from seedbed.process import ahead, fast_start

def where(number):
    return number, os.getpid()

def other(number):
    return number, os.getpid()

def refused(number):
    raise ValueError(f"not {number}, in {os.getpid()}")

def pairs():
    return "composed", os.getpid()

fast_start.begin()
function = where
"""


def outcome(program: str, **variables: str) -> list[str]:
    """What the program prints, as words."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **variables},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_the_fork_that_composed_is_asked_once() -> None:
    said, composer, one, aside, two, here, me = outcome(
        """
        said, composer = ahead.composed_ahead(pairs, [], lambda _: (where, 0))
        print(said, composer, *ahead.done_aside(where, 1), *ahead.done_aside(where, 2), os.getpid())
        """
    )
    assert (said, one, two) == ("composed", "1", "2")
    assert aside == composer != me
    assert here == me


@pytest.mark.parametrize(
    "before",
    [
        "os.kill(composer, signal.SIGKILL)",
        "os.kill(composer, signal.SIGKILL); time.sleep(0.1)",
        "function = other",
        "ahead._waiting = None",
    ],
    ids=["killed", "gone", "another function", "nobody waits"],
)
def test_this_process_does_it_where_the_fork_does_not(before: str) -> None:
    one, here, me = outcome(
        f"""
        _, composer = ahead.composed_ahead(pairs, [], lambda _: (where, 0))
        {before}
        print(*ahead.done_aside(function, 1), os.getpid())
        """
    )
    assert (one, here) == ("1", me)


def test_a_fork_that_waits_too_long_ends() -> None:
    one, here, me, ended = outcome(
        """
        ahead.WAIT_SECONDS = 0.05
        _, composer = ahead.composed_ahead(pairs, [], lambda _: (where, 0))
        ended = os.waitpid(composer, 0)[1]
        print(*ahead.done_aside(where, 1), os.getpid(), ended)
        """
    )
    assert (one, here, ended) == ("1", me, "0")


def test_a_mistake_there_is_told_here() -> None:
    told = outcome(
        """
        ahead.composed_ahead(pairs, [], lambda _: (refused, 0))
        try:
            ahead.done_aside(refused, 1)
        except ValueError as err:
            print(str(err).replace(str(os.getpid()), "here"))
        """
    )
    assert told == ["not", "1,", "in", "here"]


def test_what_fails_there_is_done_here_and_told_once() -> None:
    """Such as a library that is broken: whoever asks is told of it, by this process."""
    assert outcome(
        """
        me = os.getpid()

        def only_here(number):
            if os.getpid() != me:
                raise ImportError("no library")
            return number

        ahead.composed_ahead(pairs, [], lambda _: (only_here, 0))
        print(ahead.done_aside(only_here, 1))
        """
    ) == ["1"]


def test_a_fork_that_waits_for_nothing_is_gone() -> None:
    assert outcome(
        """
        open_before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        _, composer = ahead.composed_ahead(pairs, [])
        try:
            os.waitpid(composer, os.WNOHANG)
        except ChildProcessError:
            print("reaped")
        open_now = len(os.listdir("/proc/self/fd")) if open_before else 0
        print(open_now - open_before, ahead.done_aside(where, 1)[1] == os.getpid())
        """
    ) == ["reaped", "0", "True"]


def test_a_fork_of_this_process_does_it_itself() -> None:
    """Its parent's pipes are not its own to use."""
    assert outcome(
        """
        _, composer = ahead.composed_ahead(pairs, [], lambda _: (where, 0))
        child = os.fork()
        if not child:
            os._exit(ahead.done_aside(where, 1) != (1, os.getpid()))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(code, ahead.done_aside(where, 1)[1] == composer)
        """
    ) == ["0", "True"]


def test_nothing_is_forked_where_it_is_turned_off() -> None:
    composer, here, me = outcome(
        """
        _, composer = ahead.composed_ahead(pairs, [], lambda _: (where, 0))
        print(composer, ahead.done_aside(where, 1)[1], os.getpid())
        """,
        SEEDBED_FAST_START="0",
    )
    assert composer == here == me


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="it is looked for in /proc")
def test_a_process_that_ends_takes_the_fork_with_it() -> None:
    (composer,) = outcome(
        """
        _, composer = ahead.composed_ahead(pairs, [], lambda _: (where, 0))
        print(composer, flush=True)
        os._exit(0)
        """
    )
    deadline = time.monotonic() + 30
    while Path(f"/proc/{composer}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{composer}").exists()
