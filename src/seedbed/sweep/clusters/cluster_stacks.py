"""Has stacks trained by the tasks of a cluster: hands them over, hears how they end, stops them."""

import math
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from seedbed.errors import RunDirectoryError, SeedbedError
from seedbed.process import signals
from seedbed.raised import reason
from seedbed.runs.layout import SWEEP_TASKS
from seedbed.sweep.clusters.cluster import Cluster, Standing
from seedbed.sweep.clusters.task import END, TaskFiles, task_of
from seedbed.sweep.job import Outcome
from seedbed.sweep.progress import SweepProgress
from seedbed.sweep.stack_end import Ended, Stack, StackEnd

LOOK_SECONDS = 0.2
"""Between two looks at the files of the tasks."""

LAST_SECONDS = 40.0
"""How long tasks may take to end that are to stop; SLURM kills them after 30."""

LOST_SECONDS = 2.0
"""From when the cluster says that a task is over, until its word is late too."""

TELL_SECONDS = 60.0
"""How long nothing may start until it is told what the queue says."""


@dataclass
class _Given:
    """A task that the cluster has.

    Args:
        stack: what it trains.
        since: when it was handed over.
        heartbeat: the last one; 0 before it began.
        lost: since when the cluster says that it is over.
    """

    stack: Stack
    since: float
    heartbeat: int = 0
    lost: float = math.inf


class ClusterStacks:
    """A `StackExecutor`: tasks of a cluster.

    Args:
        cluster: that runs them.
        folder: for what passes between them and this process, on a file system that both see.
        progress: hears how far each is.
        note: called with what a person should know.
        over: whether no more is to be started, and what trains is to end.
    """

    def __init__(
        self,
        cluster: Cluster,
        folder: Path,
        progress: SweepProgress,
        note: Callable[[str], None],
        over: Callable[[], bool],
    ) -> None:
        self.cluster, self.folder = cluster, folder
        self.progress, self.note, self.over = progress, note, over
        self.waiting: deque[Stack] = deque()
        self.given: dict[str, _Given] = {}
        self._count = 0
        self._all_well = True

    @property
    def slots(self) -> int:
        """See `StackExecutor`."""
        return self.cluster.slots

    def close(self) -> None:
        """See `StackExecutor`; what tasks printed stays where one did not end as it should."""
        self.cluster.close(wait=self._all_well)
        if self._all_well:
            shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):  # of an earlier start
            self.folder.parent.rmdir()

    def again(self, stack: Stack) -> None:
        """See `StackExecutor`."""
        self.waiting.append(stack)

    def run(self, stacks: Iterator[Stack], here: Callable[[Stack], StackEnd]) -> Ended:
        """See `StackExecutor`; nothing trains here."""
        for stack in stacks:  # all of them are one array of SLURM's
            self.waiting.append(stack)
            if self.over():
                return
        with signals.done_at_end(lambda: self.cluster.kill(list(self.given))):
            try:
                while self.waiting or self.given:
                    if self.over():
                        yield from self._stopped()
                        return
                    self._submit()
                    yield from self._heard()
                    if self.given:
                        time.sleep(LOOK_SECONDS)
            finally:
                self._shutdown()

    def _submit(self) -> None:
        """Hands over what there is room for."""
        count = min(len(self.waiting), self.cluster.room(len(self.given)))
        names = []
        for stack in [self.waiting.popleft() for _ in range(count)]:
            name = f"{self._count:05d}"
            self._count += 1
            self._write(TaskFiles(self.folder, name), stack)
            self.given[name] = _Given(stack, time.monotonic())
            names.append(name)
        if not names:
            return
        try:
            self.cluster.submit(names)
        except SeedbedError:  # some may be in the queue, and find nothing to do
            for name in names:
                del self.given[name]
                TaskFiles(self.folder, name).remove()
            if not self.over():  # a terminal's Ctrl-C reaches what submits as well
                self._all_well = False
                raise

    def _write(self, files: TaskFiles, stack: Stack) -> None:
        if main := stack.own_class:
            raise SeedbedError(
                f"{main} is a class of this program itself, and does not reach other machines; put "
                "it into a module that can be imported, or type sweep.executor=local"
            )
        try:
            files.write(task_of(stack, self.cluster.threads))
        except SeedbedError:
            raise
        except Exception as err:  # of any kind: what was handed in is the user's
            raise SeedbedError(
                f"what was handed in does not reach other machines: {reason(err)}; "
                "type sweep.executor=local"
            ) from err

    def _heard(self, *, stopping: bool = False) -> Ended:
        """Tasks that ended, or are lost."""
        standings = self.cluster.look()
        ended = self._ended(fresh=any(one.kind == "lost" for one in standings.values()))
        for name, one in list(self.given.items()):
            files, standing = TaskFiles(self.folder, name), standings.get(name)
            if name in ended:
                del self.given[name]
                yield one.stack, self._end_of(files, one.stack)
            elif standing is not None and standing.kind == "lost":
                one.lost = min(one.lost, time.monotonic())
                if stopping or time.monotonic() > one.lost + LOST_SECONDS:
                    del self.given[name]
                    self._all_well = False
                    files.forget_pulses()
                    yield one.stack, StackEnd("died", why=standing.why)
            else:
                self._follow(files, one, standing)
                if late := self._late(name, one, standing):
                    yield one.stack, late

    def _ended(self, *, fresh: bool) -> set[str]:
        """Tasks that have said how they ended.

        Args:
            fresh: whether it matters; a client of NFS remembers a folder until it changes it.
        """
        if fresh:
            (self.folder / "look").touch()
            (self.folder / "look").unlink(missing_ok=True)
        return {path.stem for path in self.folder.iterdir() if path.suffix == END}

    def _follow(self, files: TaskFiles, one: _Given, standing: Standing | None) -> None:
        """Tells how far a task is."""
        told = files.heartbeat() if standing is None or standing.kind == "running" else {}
        count = told.get("heartbeat", 0)
        if not count or count == one.heartbeat:
            return
        begins, one.heartbeat, one.lost = not one.heartbeat, count, math.inf
        if one.stack.alone:
            return
        if begins:
            self.progress.stack_started(one.stack.number, len(one.stack.jobs))
        self.progress.stack_step(one.stack.number, told["done"], told["runs"])

    def _late(self, name: str, one: _Given, standing: Standing | None) -> StackEnd | None:
        """The end of a task that waited for too long."""
        if standing is None or standing.kind != "waiting" or one.heartbeat:
            return None
        waited = time.monotonic() - one.since
        within = self.cluster.start_within
        if within is not None and waited > within:
            del self.given[name]
            self._all_well = False
            self.cluster.stop([name])
            return StackEnd("late", why=f"did not start within {within:.0f} s: {standing.why}")
        if waited > TELL_SECONDS and not any(other.heartbeat for other in self.given.values()):
            self.note(f"{len(self.given)} tasks wait; {standing.why}")
            one.since += TELL_SECONDS if within is None else 0.0
        return None

    def _end_of(self, files: TaskFiles, stack: Stack) -> StackEnd:
        """How a task says that it ended."""
        try:
            told = files.read_end()
            kind, why = told["kind"], told.get("why", "")
            for text in told.get("notes", ()):
                self.note(text)
            if kind == "refused":
                self._all_well = False
                raise SeedbedError(
                    f"the tasks cannot go on with this sweep: {why}; give them the same packages"
                )
            outcomes = {number: Outcome(*rest) for number, *rest in told.get("outcomes", ())}
        except (OSError, KeyError, TypeError, ValueError) as err:
            self._all_well = False
            return StackEnd("died", why=f"a damaged '{files.end}': {reason(err)}")
        files.remove()
        jobs = [(job, outcomes[job.number]) for job in stack.jobs if job.number in outcomes]
        return StackEnd(kind, jobs, why)

    def _stopped(self) -> Ended:
        """Has all tasks end after their step; those that never began are not told."""
        self._stop_all()
        until = time.monotonic() + LAST_SECONDS
        while self.given and time.monotonic() < until:
            for stack, end in self._heard(stopping=True):
                if end.kind == "ended" or any(job.path.exists() for job in stack.jobs):
                    yield stack, end
            time.sleep(LOOK_SECONDS)
        self.cluster.kill(list(self.given))
        for one in self.given.values():
            yield one.stack, StackEnd("stopped", why="its task did not end")
        self.given.clear()

    def _stop_all(self) -> None:
        with suppress(OSError):
            TaskFiles(self.folder, "").stop.touch()
        self.cluster.stop(list(self.given))

    def _shutdown(self) -> None:
        """Nothing of ours runs when this process goes on; what was left for a person stays."""
        if self.given:
            self._stop_all()
            self.cluster.kill(list(self.given))
        self.given.clear()
        TaskFiles(self.folder, "").stop.unlink(missing_ok=True)


def tasks_folder(sweep: Path) -> Path:
    """A new folder for the tasks of a sweep, which may have had others.

    Raises:
        RunDirectoryError: if it cannot be made.
    """
    above = sweep / SWEEP_TASKS
    if above.is_symlink():
        raise RunDirectoryError(f"'{above}' is a link, and tasks are read from it; remove it")
    number = 0
    while True:
        folder = above / str(number)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
        except OSError as err:
            raise RunDirectoryError(f"cannot make '{folder}': {err.strerror or err}") from err
        else:
            return folder
