"""Runs command lines, each in a fork that kills itself after a step, and tells how each ended.

A line of standard input is a list of `[folder, words, MODULE...]`; one of standard output has the
signals that ended them. Modules are imported before, and every fork then has them. With an argument
it trains once before it reads: that is less work from five forks on.
"""

import contextlib
import importlib
import io
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

import torch

from seedbed.cli.main import main
from seedbed.process.threads import may_fork, note_imported
from seedbed.recording.run import run  # noqa: F401  # with torch, which every fork then has
from seedbed.tables import csv_file  # noqa: F401  # with Arrow
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


def ended(folder: str, words: Sequence[str], *modules: str) -> int:
    """The signal that ended a command, which its last step sends."""
    for module in modules:
        importlib.import_module(module)
    if child := os.fork():
        return os.WTERMSIG(os.waitpid(child, 0)[1])
    os.chdir(folder)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    kill_after(STEP)
    os._exit(main(list(words)))


def warm_up() -> None:
    """Trains a run and a stack: what they import, parse and trace, every fork then has."""
    torch.set_num_threads(1)
    words = ["data=sklearn", "trainer.epochs=1"]  # to read a file would leave threads
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        assert main(["train", *words]) == 0
        stack = ["-m", "seed=1,2", "sweep.workers=0", "sweep.fuse=always"]
        assert main(["train", *stack, *words]) == 0
        table = ["data=csv", "data.path=rows.csv", "data.target=y"]
        with contextlib.redirect_stderr(io.StringIO()):
            assert main(["train", *table]) == main(["train", *stack, *table]) == 2  # no such file
    assert may_fork(), "a thread is left that a fork would miss"


if __name__ == "__main__":
    note_imported()  # Arrow's allocator has a thread, where this is a new Python
    if sys.argv[1:]:
        warm_up()
    for line in sys.stdin:
        print(json.dumps([ended(*one) for one in json.loads(line)]), flush=True)
