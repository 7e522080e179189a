"""Runs command lines, each in a fork that kills itself after a step, and tells how each ended.

Standard input is a list of `[folder, words]`; standard output the signal that ended each.
"""

import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from seedbed.cli.main import main
from seedbed.recording.run import run  # noqa: F401  # with torch, which every fork then has
from seedbed.training.progress import Progress

STEP = 4


def kill_after(step: int) -> None:
    """Makes the process end as soon as so many steps were made."""
    add_step = Progress.add_step

    def adding(self: Progress, *args: Any) -> None:
        add_step(self, *args)
        if self.step == step:
            os.kill(os.getpid(), signal.SIGKILL)

    Progress.add_step = adding  # type: ignore[method-assign]


def ended(folder: str, words: Sequence[str]) -> int:
    """The signal that ended a command, which its last step sends."""
    if child := os.fork():
        return os.WTERMSIG(os.waitpid(child, 0)[1])
    os.chdir(folder)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    kill_after(STEP)
    os._exit(main(list(words)))


if __name__ == "__main__":
    print(json.dumps([ended(*one) for one in json.load(sys.stdin)]))
