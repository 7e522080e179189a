"""What a process does that was given a task, on whatever machine: it may be started again any time.

A task that is started again goes on from the checkpoints that its runs have, and leaves out those
that are complete; so a lost node, a time limit and a requeue are one case.
"""

import json
import os
import platform
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple, replace
from pathlib import Path
from types import FrameType
from typing import Any

from seedbed.errors import RunTakenError
from seedbed.process import fast_start, signals
from seedbed.runs.heartbeat import pulse, stamp
from seedbed.sweep.clusters.task import Origin, Task, TaskFiles, take_over, versions

LOOK_SECONDS = 0.5
"""Between two looks whether to stop."""

BEATS = 4
"""Looks between two heartbeats."""

AGAIN = getattr(signal, "SIGUSR2", None)
"""Says that the time is nearly over, and that the task may go back into the queue."""


def run_task(folder: str, name: str, where: Origin) -> None:
    """Does a task, and writes how it ended; not if a signal ended it, which may bring it back.

    Args:
        folder: of the tasks of the sweep.
        name: of the task.
        where: what this process has to be like.
    """
    files = TaskFiles(Path(folder), name)
    if files.end.exists() or files.stop.exists() or not files.task.exists():
        return
    if why := _other_versions(where["versions"]):
        files.write_end({"kind": "refused", "why": why})
        return
    take_over(where)
    signals.take_over(quiet=True)
    # Imported here: they bring torch, and would fail elsewhere where it is another.
    from seedbed.runs.directory import tell_at_end
    from seedbed.training.interrupt import stop_request

    tell_at_end()
    own = files.pulse()
    with stop_request() as stop, pulse(own, files.folder.parents[1]):
        heard = Heard(stop.wish)
        with _beating(files, own, lambda: stop.wish(signal.SIGTERM)) as beat:
            end = _end_of(files, beat, lambda: stop.requested)
    if end["kind"] == "taken":  # by a later start of the task, whose end it will be
        return
    if heard.number is None or _is_whole(end):
        files.write_end(end)
    else:
        heard.obey()


def _other_versions(wanted: dict[str, str]) -> str:
    """How this process differs from the one that sent the task; or nothing."""
    here = versions()
    other = [name for name in wanted if here.get(name) != wanted[name]]
    if not other:
        return ""
    theirs, ours = (
        ", ".join(f"{name} {one.get(name)}" for name in other) for one in (here, wanted)
    )
    return f"{platform.node()} has {theirs}, and this process {ours}"


def _is_whole(end: dict[str, Any]) -> bool:
    """Whether nothing is left to do."""
    return end["kind"] == "ended" and all(one[1] != "interrupted" for one in end["outcomes"])


class Heard:
    """Signals, each of which asks to stop after the step; a scheduler sends several.

    Args:
        wish: asks to stop.
    """

    def __init__(self, wish: Callable[[int], None]) -> None:
        self.number: int | None = None
        self._wish = wish
        self._before: Any = signal.SIG_DFL
        for number in (*signals.SIGNALS, *([AGAIN] if AGAIN else [])):
            before = signal.signal(number, self._hear)
            if number == AGAIN:
                self._before = before

    def obey(self) -> None:
        """Ends the process as the first signal would have, which may bring it back."""
        if self.number == AGAIN and callable(self._before):
            self._before(self.number, None)
        os._exit(128 + (self.number or 0))

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.number = self.number or number
        self._wish(signal.SIGTERM)


class _Beat:
    """How far the task is."""

    done = 0.0
    runs = 0
    notes: list[str]

    def __init__(self) -> None:
        self.notes = []

    def step(self, done: float, runs: int) -> None:
        self.done, self.runs = done, runs


@contextmanager
def _beating(files: TaskFiles, own: Path, stop: Callable[[], None]) -> Iterator[_Beat]:
    """Has a thread tell that the task is being done, and look whether it is to end."""
    beat, ended = _Beat(), threading.Event()

    def listen() -> None:
        count = 0
        while True:
            if count % BEATS == 0:
                _tell(files, beat, count // BEATS + 1)
                with suppress(OSError):
                    stamp(own)
            count += 1
            if ended.wait(LOOK_SECONDS):
                return
            if files.stop.exists():
                stop()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield beat
    finally:
        ended.set()
        thread.join()


def _tell(files: TaskFiles, beat: _Beat, count: int) -> None:
    """Written by a thread, so without what waits for signals."""
    told = {"heartbeat": count, "host": platform.node(), "pid": os.getpid()}
    unfinished = files.alive.with_suffix(".beating")
    with suppress(OSError):
        unfinished.write_text(json.dumps({**told, "done": beat.done, "runs": beat.runs}))
        unfinished.replace(files.alive)


def _end_of(files: TaskFiles, beat: _Beat, stopped: Callable[[], bool]) -> dict[str, Any]:
    """Does the task, whatever becomes of it."""
    from seedbed.raised import reason

    try:
        outcomes = _done(files.read(), beat)
    except RunTakenError as err:
        return {"kind": "taken", "why": str(err)}
    except BaseException as err:  # sys.exit in a user's model too
        kind = "stopped" if isinstance(err, KeyboardInterrupt) or stopped() else "raised"
        return {"kind": kind, "why": reason(err), "notes": beat.notes}
    told = [[number, *astuple(one)] for number, one in outcomes]
    return {"kind": "ended", "outcomes": told, "notes": beat.notes}


def _done(task: Task, beat: _Beat) -> Iterator[Any]:
    with fast_start.importing():
        import torch

        import seedbed.sweep.job
        import seedbed.sweep.stacks  # noqa: F401 - what either way to train brings
    from seedbed.handed_in import handing_in
    from seedbed.sweep.choice import most_open_files

    most_open_files()
    torch.set_num_threads(task.threads if task.alone else 1)
    with handing_in(task.jobs[0].handed_in):
        return iter(list(_alone(task) if task.alone else _together(task, beat)))


def _alone(task: Task) -> Iterator[Any]:
    """Each job, one after the other, until one is to stop."""
    from seedbed.runs.status import Status
    from seedbed.sweep.job import earlier_outcome, run_job
    from seedbed.training.interrupt import stop_request

    with stop_request() as stop:
        for job in task.jobs:
            earlier = earlier_outcome(job.path)
            if earlier is not None and earlier.status == Status.COMPLETED:
                yield job.number, earlier
            elif not stop.requested:
                yield job.number, run_job(job)


def _together(task: Task, beat: _Beat) -> Iterator[Any]:
    """The jobs as a stack; those that are cut off go on together from where they are."""
    from seedbed.runs.keepsake import put_back_unless_running
    from seedbed.runs.layout import RunPaths
    from seedbed.runs.status import Status
    from seedbed.runs.stored import numbers_of_packs
    from seedbed.sweep.groups import grouped, latest_of
    from seedbed.sweep.job import earlier_outcome, run_job
    from seedbed.sweep.stack_end import Stack
    from seedbed.sweep.stacks import run_stack

    left = []
    for job in task.jobs:
        put_back_unless_running(RunPaths(job.path))
        earlier = earlier_outcome(job.path)
        if earlier is not None and earlier.status == Status.COMPLETED:
            yield job.number, earlier
        else:
            left.append(job if earlier is None else replace(job, stack=task.number))
    groups, unfused = grouped(left, "always", beat.notes.append)
    # Here, as an earlier start of this task may have made one.
    packed = numbers_of_packs(task.jobs[0].path.parent, [job.path.name for job in left])
    for group in groups:
        ended = run_stack(
            Stack(group, task.number, here=True, after=latest_of(group.jobs, packed)),
            step=beat.step,
            note=beat.notes.append,
            in_parallel=False,
        )
        for job, outcome in ended:
            yield job.number, outcome
    for job in (job for one in unfused for job in one.jobs):
        yield job.number, run_job(job)
