"""Which worker has which test: those that mostly wait have a worker to themselves.

A worker that waits leaves its core idle, and of three that compute each has the others wait. So
there is one worker more than there are cores, and it has the tests that are listed here, one after
the other. The others share the rest as `--dist worksteal` has it; whoever of them has nothing left
takes what nobody waits for yet.
"""

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


class WaitingApart(WorkStealingScheduling):
    """See above; two workers or fewer share all tests.

    Args:
        settings: pytest's configuration, and xdist's log.
    """

    def __init__(self, *settings: Any) -> None:
        super().__init__(*settings)
        self.waiting: list[int] = []
        self.waiter: Any = None

    @property
    def tests_finished(self) -> bool:
        return not self.waiting and super().tests_finished

    @property
    def has_pending(self) -> bool:
        return bool(self.waiting) or super().has_pending

    def schedule(self) -> None:
        if self.collection is None and self.numnodes > 2:
            self.waiter = list(self.node2pending)[-1]
        super().schedule()

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
        node.send_runtest_some([test])

    def _share_with_idle(self) -> None:
        """Has the others wait as well, where they have nothing to take from one another."""
        queues = [len(own) for node, own in self.node2pending.items() if not node.shutting_down]
        if self.pending or self.steal_requested_from_node or max(queues, default=0) > MIN_PENDING:
            return
        for node, own in self.node2pending.items():
            while self.waiting and len(own) < MIN_PENDING and not node.shutting_down:
                self._send(node, self.waiting.pop())
