"""Which worker has which test: those that mostly wait have a worker to themselves.

A worker that waits leaves its core idle, and of three that compute each has the others wait. So
there is one worker more than there are cores, and it has the tests that are listed here, one after
the other. The others share the rest as `--dist worksteal` has it; whoever of them has nothing left
takes what nobody waits for yet. The worker that waits collects the files of its tests alone: it
imports a fifth of what all tests do.
"""

from pathlib import Path
from typing import Any

from xdist.scheduler.worksteal import MIN_PENDING, WorkStealingScheduling

WAITING = (
    "tests/api/test_built_models.py::test_a_class_of_the_main_module_needs_no_allowing",
    "tests/api/test_built_models.py::test_every_job_of_a_sweep_begins_with_its_weights",
    "tests/api/test_built_models.py::test_worker_processes_are_handed_rows_and_modules",
    "tests/cli/test_dashboard.py",
    "tests/cli/test_worker_deaths.py",
    "tests/process/test_done_aside.py",
    "tests/runs/test_lock.py",
    "tests/sweep/test_executors.py",
    "tests/sweep/test_failing_jobs.py",
    "tests/sweep/test_slurm.py",
    "tests/sweep/test_stack_executors.py",
    "tests/sweep/test_stacks_in_processes.py",
    "tests/sweep/test_two_hosts.py",
    "tests/test_bounds_of_opening.py",
    "tests/test_report_page.py",
    "tests/test_tensorboard.py",
)
"""Files and tests that wait for a cluster, a browser, a timeout or another process."""

FILES = {name.partition("::")[0] for name in WAITING}


def waits(node: Any) -> bool:
    """Whether a worker is the last of more than two, which is kept for the tests that wait.

    One that takes the place of a worker that died is none: its number is higher.
    """
    workers = len(node.nodemanager.specs)
    return workers > 2 and node.gateway.id == f"gw{workers - 1}"


def is_of_others(path: Path, root: Path) -> bool:
    """Whether a file holds no test that waits."""
    return path.suffix == ".py" and path.relative_to(root).as_posix() not in FILES


class WaitingApart(WorkStealingScheduling):
    """See above; two workers or fewer share all tests.

    Args:
        settings: pytest's configuration, and xdist's log.
    """

    def __init__(self, *settings: Any) -> None:
        super().__init__(*settings)
        self.waiting: list[int] = []
        self.waiter: Any = None
        self.places: list[int] = []
        """Among all tests, of those that the waiting worker has collected."""

    @property
    def tests_finished(self) -> bool:
        return not self.waiting and super().tests_finished

    @property
    def has_pending(self) -> bool:
        return bool(self.waiting) or super().has_pending

    def schedule(self) -> None:
        if self.collection is None and self.numnodes > 2:
            self._choose_waiter()
        super().schedule()

    def _choose_waiter(self) -> None:
        """Takes all for collected by it, if those are that wait, and finds out which it has."""
        nodes = list(self.node2collection)
        self.waiter = next((node for node in nodes if node.workerinput.get("waits")), nodes[-1])
        own = self.node2collection[self.waiter]
        every = next(tests for node, tests in self.node2collection.items() if node != self.waiter)
        place = {name: number for number, name in enumerate(every)}
        if {name for name in every if name.startswith(WAITING)} <= {*own} <= place.keys():
            self.node2collection[self.waiter] = every
            self.places = [place[name] for name in own]

    def mark_test_complete(self, node: Any, item_index: int, duration: float | None = None) -> None:
        """Takes the number of a test from a worker, which numbers those that it has collected."""
        test = self.places[item_index] if node is self.waiter else item_index
        super().mark_test_complete(node, test, duration)

    def check_schedule(self) -> None:
        if self.waiter not in self.node2pending:  # there is none, or it has ended
            self.pending += self.waiting
            self.waiting.clear()
            super().check_schedule()
            return
        self._set_aside()
        own = self.node2pending.pop(self.waiter)
        try:
            self._share_with_idle()
            super().check_schedule()
        finally:
            self.node2pending[self.waiter] = own
        if len(own) < MIN_PENDING and not self.waiter.shutting_down:
            self.waiter.shutdown()  # after its last

    def _set_aside(self) -> None:
        """Moves the tests that wait out of what all share, and hands the next ones over."""
        assert self.collection is not None
        if len(self.pending) == len(self.collection):
            self.waiting = [n for n in self.pending if self.collection[n].startswith(WAITING)]
            self.pending[:] = sorted({*self.pending} - {*self.waiting})
        while self.waiting and len(self.node2pending[self.waiter]) < MIN_PENDING:
            self._send(self.waiter, self.waiting.pop(0))

    def _send(self, node: Any, test: int) -> None:
        self.node2pending[node].append(test)
        node.send_runtest_some([self.places.index(test) if node is self.waiter else test])

    def _share_with_idle(self) -> None:
        """Has the others wait as well, where they have nothing to take from one another."""
        queues = [len(own) for node, own in self.node2pending.items() if not node.shutting_down]
        if self.pending or self.steal_requested_from_node or max(queues, default=0) > MIN_PENDING:
            return
        for node, own in self.node2pending.items():
            while self.waiting and len(own) < MIN_PENDING and not node.shutting_down:
                self._send(node, self.waiting.pop())
