"""Trains stacks in processes, one each, some at a time: forks of this one, or a server's workers.

Runs do not depend on each other, so a stack a core needs no barrier between cores. What a stack is
made of is decided before; where and when it trains changes nothing of its numbers.
"""

import pickle
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait

from seedbed.config.schema import SweepConfig
from seedbed.fused.sizing import PROCESS
from seedbed.process import signals, workers
from seedbed.process.cores import usable_cores
from seedbed.process.forkserver import workers_of_server
from seedbed.process.memory import free_memory_bytes
from seedbed.sweep.executors import LOOK_SECONDS
from seedbed.sweep.progress import SweepProgress
from seedbed.sweep.stack_end import Ended, Stack, StackEnd
from seedbed.sweep.stack_worker import train_in_worker
from seedbed.sweep.worker_processes import LAST_SECONDS, PRELOADED

SERVER = 3.0
"""Seconds until the first worker of a server trains: it imports torch."""


class StackProcesses:
    """A `StackExecutor`: trains stacks as there is room.

    Args:
        settings: of the sweep.
        progress: hears how far each is.
        note: called with what a person should know.
        over: whether no more is to be started, and what trains is to end.
    """

    def __init__(
        self,
        settings: SweepConfig,
        progress: SweepProgress,
        note: Callable[[str], None],
        over: Callable[[], bool],
    ) -> None:
        self.settings = settings
        self.progress = progress
        self.note = note
        self.over = over
        self.running: dict[Connection, tuple[workers.Worker, Stack]] = {}
        self.waiting: deque[Stack] = deque()
        self._until = float("inf")

    @property
    def slots(self) -> int:
        """See `StackExecutor`; not the number of workers, as bits depend on it."""
        return usable_cores()

    def close(self) -> None:
        """See `StackExecutor`; nothing is left of it."""

    def again(self, stack: Stack) -> None:
        """See `StackExecutor`."""
        self.waiting.append(stack)

    def run(self, stacks: Iterator[Stack], here: Callable[[Stack], StackEnd]) -> Ended:
        """See `StackExecutor`."""
        with signals.done_at_end(self._end_now):
            try:
                while True:
                    for stack in self._next(stacks):
                        if not self._started(stack):
                            yield stack, here(stack)
                    if not self.running:
                        return
                    yield from self._heard()
            finally:
                self._shutdown()

    def _next(self, stacks: Iterator[Stack]) -> Iterator[Stack]:
        """Those for which there is room now."""
        while not self.over():
            if not self.waiting:
                busy = len(self.running)
                if busy and busy >= self._most(1):
                    return
                if (stack := next(stacks, None)) is None:
                    return
                self.waiting.append(stack)
            if not self._has_room(self.waiting[0]):
                return
            yield self.waiting.popleft()

    def _most(self, threads: int) -> int:
        """Stacks at a time, of so many threads each."""
        return self.settings.processes or max(1, usable_cores() // threads)

    def _has_room(self, stack: Stack) -> bool:
        if not self.running:
            return True
        if len(self.running) >= self._most(stack.threads):
            return False
        if stack.bytes <= free_memory_bytes() / 2:
            return True
        self.note(
            f"too little memory is free for {len(self.running) + 1} stacks at a time, as one takes "
            f"about {stack.bytes / 1e6:.0f} MB; the others wait"
        )
        return False

    def _started(self, stack: Stack) -> bool:
        """Starts a process for it; False if this one is to train it."""
        if self._is_for_here(stack):
            return False
        worker = None
        with suppress(OSError), self.progress.paused():  # there may be too many processes
            worker = self._worker(stack)
        if worker is None:
            return False
        self.running[worker.pipe] = (worker, stack)
        self.progress.stack_started(stack.number, len(stack.jobs))
        return True

    def _is_for_here(self, stack: Stack) -> bool:
        if stack.here or self.settings.workers == 0:
            return True
        return self.settings.workers == "auto" and not stack.died and stack.seconds < PROCESS

    def _worker(self, stack: Stack) -> workers.Worker | None:
        """A fork, where this process may be forked; a server's worker, where that is worth it."""
        if workers.may_fork():
            return workers.forked(lambda pipe: train_in_worker(pipe, stack))
        if self.settings.workers == "auto" and not stack.died and stack.seconds < SERVER:
            return None
        sent = _sendable(stack)
        if sent is None or not workers.has_server():
            return None
        context = workers_of_server((*PRELOADED, "seedbed.sweep.stack_worker"))
        return workers.served(context, train_in_worker, (sent,))

    def _heard(self) -> Ended:
        """What the processes say; those that end."""
        self._tell_if_over()
        for pipe in wait(list(self.running), LOOK_SECONDS):
            assert isinstance(pipe, Connection)
            worker, stack = self.running[pipe]
            try:
                said = pipe.recv()
            except (EOFError, OSError):
                said = None
            if isinstance(said, str):
                self.note(said)
            elif isinstance(said, tuple):
                self.progress.stack_step(stack.number, *said)
            else:
                del self.running[pipe]
                code = worker.end()
                if isinstance(said, list):
                    said = StackEnd("ended", list(zip(stack.jobs, said, strict=True)))
                yield stack, said or StackEnd("died", why=workers.death(code))

    def _tell_if_over(self) -> None:
        """Has all of them end after their step, or at once where that takes too long."""
        if self.running and self.over() and self._until == float("inf"):
            self._until = time.monotonic() + LAST_SECONDS
            for pipe in self.running:
                with suppress(OSError):
                    pipe.send("stop")
        if time.monotonic() > self._until:
            for worker, _ in self.running.values():
                worker.kill()

    def _shutdown(self) -> None:
        """Nothing of ours runs when this process goes on."""
        for pipe in self.running:
            with suppress(OSError):
                pipe.send("stop")
        until = time.monotonic() + LAST_SECONDS
        for pipe, (worker, _) in self.running.items():
            while _says_more(pipe, until):
                pass
            if time.monotonic() > until:
                worker.kill()
            worker.end()
        self.running.clear()

    def _end_now(self) -> None:
        """Ends a server's workers at once, each with a true status; forks end with this process."""
        if served := [one for one, _ in self.running.values() if one.process is not None]:
            workers.end_now(served)


def _says_more(pipe: Connection, until: float) -> bool:
    """Whether it said something, which is not heard any more; False at its end."""
    try:
        if not pipe.poll(max(0.0, until - time.monotonic())):
            return False
        pipe.recv()
    except (EOFError, OSError):
        return False
    return True


def _sendable(stack: Stack) -> bytes | None:
    """As another process can be sent it; None if a class of it is of this program itself."""
    if stack.own_class:
        return None
    try:
        return pickle.dumps(replace(stack, plan=None, written=None, known={}))
    except Exception:  # of any kind: what was handed in is the user's
        return None
