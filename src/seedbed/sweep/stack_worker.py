"""What a process does that trains one stack: it tells how far it is, and how the stack ended."""

import pickle
import signal
import time
from contextlib import suppress
from multiprocessing.connection import Connection

import torch

from seedbed.errors import RunTakenError
from seedbed.handed_in import handing_in
from seedbed.process import workers
from seedbed.raised import reason
from seedbed.runs.directory import tell_at_end
from seedbed.sweep.choice import most_open_files
from seedbed.sweep.job import Outcome
from seedbed.sweep.stack_end import Stack, StackEnd
from seedbed.sweep.stacks import run_stack
from seedbed.training.interrupt import stop_request

TELL_SECONDS = 0.1
"""Between two times that it tells how far it is."""


def train_in_worker(pipe: Connection, sent: Stack | bytes) -> None:
    """Trains a stack, whatever becomes of it.

    Args:
        pipe: to the sweep: parts done, notes and at last the outcomes of the jobs, in their order,
            or a `StackEnd` where there are none.
        sent: the stack; in bytes to a process that has nothing in common with the sweep's.
    """
    workers.begin()
    tell_at_end()
    with stop_request() as stop:
        workers.obey(pipe, lambda: stop.wish(signal.SIGTERM))
        torch.set_num_threads(1)
        most_open_files()
        teller = _Teller(pipe)
        try:
            stack = pickle.loads(sent) if isinstance(sent, bytes) else sent
            end: StackEnd | list[Outcome]
            with handing_in(stack.jobs[0].handed_in):
                ended = run_stack(stack, teller.step, teller.tell, in_parallel=False)
            end = [outcome for _, outcome in ended]
        except RunTakenError as err:
            end = StackEnd("taken", why=str(err))
        except BaseException as err:  # sys.exit in a user's model too
            stopped = isinstance(err, KeyboardInterrupt) or stop.requested
            end = StackEnd("stopped" if stopped else "raised", why=reason(err))
    teller.tell(end)


class _Teller:
    """Tells the sweep, which may be no more.

    Args:
        pipe: to it.
    """

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe
        self._due = 0.0

    def tell(self, what: object) -> None:
        """Sends it."""
        with suppress(OSError):
            self.pipe.send(what)

    def step(self, done: float, runs: int) -> None:
        """Now and then."""
        now = time.monotonic()
        if now > self._due:
            self._due = now + TELL_SECONDS
            self.tell((done, runs))
