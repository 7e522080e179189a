"""A task: the stack, or the jobs, that a process elsewhere trains. It is data, in files.

All that passes between a sweep and its tasks lies in one folder of the shared file system: what is
to be done, that it is being done, how it ended, and that all are to stop.
"""

import json
import os
import pickle
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed.runs.files import write_bytes
from seedbed.runs.owner import this_host
from seedbed.sweep.job import Job

if TYPE_CHECKING:  # it brings torch, which a sweep that is complete does without
    from seedbed.sweep.stack_end import Stack


@dataclass(frozen=True)
class Task:
    """What is to be done.

    Args:
        jobs: of a stack, or each on its own.
        number: of the stack in the sweep.
        alone: whether the jobs run one after the other, each on its own.
        threads: that jobs on their own compute in.
    """

    jobs: Sequence[Job]
    number: int
    alone: bool
    threads: int


def task_of(stack: "Stack", threads: int) -> Task:
    """The stack without its checkpoints, which whoever trains it reads from the runs themselves."""
    begun = stack.group.snapshots is not None and not stack.alone
    jobs = [replace(job, stack=job.stack or stack.number) if begun else job for job in stack.jobs]
    return Task(jobs, stack.number, stack.alone, threads)


@dataclass(frozen=True)
class TaskFiles:
    """The files of one task.

    Args:
        folder: of all tasks of the sweep.
        name: of the task.
    """

    folder: Path
    name: str

    @property
    def task(self) -> Path:
        """What is to be done, pickled."""
        return self.folder / f"{self.name}.task"

    @property
    def alive(self) -> Path:
        """Written again and again while it is done."""
        return self.folder / f"{self.name}.alive"

    @property
    def pulses(self) -> Iterator[Path]:
        """Heartbeats of the processes that have done it."""
        return self.folder.glob(f"{self.name}-*.pulse")

    def pulse(self) -> Path:
        """The heartbeat of this process; who started it knows that an earlier one is no more."""
        self.forget_pulses()
        file = self.folder / f"{self.name}-{this_host()}-{os.getpid()}.pulse"
        file.touch()
        return file

    def forget_pulses(self) -> None:
        """Once its process is known to be no more."""
        for file in self.pulses:
            file.unlink(missing_ok=True)

    @property
    def end(self) -> Path:
        """How it ended."""
        return self.folder / f"{self.name}{END}"

    @property
    def stop(self) -> Path:
        """Once it is there, all tasks of the folder end after their step."""
        return self.folder / "stop"

    def write(self, task: Task) -> None:
        """Writes what is to be done.

        Raises:
            Exception: of any kind, where it cannot be pickled.
        """
        write_bytes(self.task, pickle.dumps(task))

    def read(self) -> Task:
        """What is to be done."""
        task: Task = pickle.loads(self.task.read_bytes())
        return task

    def write_end(self, end: dict[str, Any]) -> None:
        """Writes how it ended; a loss may be no number."""
        write_bytes(self.end, json.dumps(end).encode())

    def read_end(self) -> dict[str, Any]:
        """How it ended.

        Raises:
            OSError, ValueError: if it cannot be read.
        """
        content: dict[str, Any] = json.loads(self.end.read_bytes())
        return content

    def heartbeat(self) -> dict[str, Any]:
        """What was written last while it was done; empty before."""
        try:
            content = json.loads(self.alive.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def remove(self) -> None:
        """Once it has ended as it should."""
        self.forget_pulses()
        for path in (self.task, self.alive, self.end):
            path.unlink(missing_ok=True)


END = ".end"

Origin = dict[str, Any]
"""What a process elsewhere has to be like: `versions`, and its `folder`, `path` and `variables`."""


def origin() -> Origin:
    """Of this process."""
    names = [name for name in os.environ if name.startswith("SEEDBED_")]
    return {
        "versions": versions(),
        "folder": str(Path.cwd()),
        "path": sys.path,
        "variables": {name: os.environ[name] for name in names},
    }


def versions() -> dict[str, str]:
    """Of what decides the numbers of a run; torch is not imported for it."""
    try:
        torch = version("torch").partition("+")[0]  # of a GPU's build as of a CPU's
    except PackageNotFoundError:
        torch = "none"
    python = platform.python_version().rpartition(".")[0]
    return {"Python": python, "torch": torch, "seedbed": sys.modules["seedbed"].__version__}


def take_over(where: Origin) -> None:
    """Makes this process like the one that sent the task."""
    os.chdir(where["folder"])
    sys.path += [entry for entry in where["path"] if entry not in sys.path]
    os.environ.update(where["variables"])
