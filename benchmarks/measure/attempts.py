"""Attempts at a run: forks of this process, and the ways to stop one."""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from seedbed.cli.main import main
from seedbed.errors import SeedbedError
from seedbed.process import signals
from seedbed.process.exit_codes import INTERRUPTED, WRONG_INPUT
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_json
from seedbed.training.interrupt import SAME_WISH

LOOK, PATIENCE = 0.002, 200.0
"""Seconds between two looks at an attempt, and until one counts as hanging."""

Stop = Callable[[int, Path], None]


class Attempt:
    """`seedbed WORDS` in a child of this process.

    Args:
        words: the command line.
        output: folder for what it says, the files `out` and `err`.
    """

    def __init__(self, words: list[str], output: Path) -> None:
        self.child = os.fork()
        self.code: int | None = None
        self.error_file = output / "err"
        if not self.child:
            _run(words, output)

    def wait(self, seconds: float = PATIENCE) -> int | None:
        """The exit code, negative for a signal; None if it is still at work by then."""
        until = time.monotonic() + seconds
        while self.code is None:
            found, status = os.waitpid(self.child, os.WNOHANG)
            if found:
                self.code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() >= until:
                break  # None is told as a failure, and the child is left to be looked at
            else:
                time.sleep(LOOK)
        return self.code

    def wait_until_it_trains(self, run: RunPaths) -> None:
        """Until it has said so and has a config to go on from, or has ended."""
        until = time.monotonic() + PATIENCE
        while self.wait(0) is None and time.monotonic() < until:
            with suppress(SeedbedError):
                if read_json(run.status).get("pid") == self.child and run.config.is_file():
                    return
            time.sleep(LOOK)

    def errors(self) -> list[str]:
        """The lines of standard error."""
        return self.error_file.read_text(encoding="utf-8").splitlines()


def _run(words: list[str], output: Path) -> NoReturn:
    code = 1
    try:
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(output / name, os.O_CREAT | os.O_TRUNC | os.O_WRONLY), number)
        signals.take_over()  # as the console script does
        code = main(words)
        sys.stdout.flush()
    finally:
        os._exit(code)


def send(*numbers: int) -> Stop:
    """Sends signals, each long enough after the other not to be taken for the same wish."""

    def stop(child: int, folder: Path) -> None:
        for number in numbers:
            os.kill(child, number)
            time.sleep(2 * SAME_WISH * (len(numbers) > 1))

    return stop


def fill(child: int, folder: Path) -> None:
    """Writes until the disk is full."""
    with (folder / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


WAYS: dict[str, tuple[Stop, set[int]]] = {
    "kill": (send(signal.SIGKILL), {-signal.SIGKILL}),
    "term": (send(signal.SIGTERM), {128 + signal.SIGTERM}),
    "twice": (send(signal.SIGINT, signal.SIGINT), {INTERRUPTED}),
    "full": (fill, {WRONG_INPUT}),
}
"""How each stops an attempt, and the exit codes that it may lead to."""
