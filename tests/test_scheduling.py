"""The worker of tests that wait has them to itself, as long as the others have other tests."""

import random
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.scheduling import WAITING, WaitingApart

ROOT = Path(__file__).parents[1]
WAITS = WAITING[-1]


@dataclass(eq=False)
class Worker:
    """What the scheduler knows of a worker; it runs a test only once it has the next one."""

    name: str
    queue: list[int] = field(default_factory=list)
    asked_back: list[int] = field(default_factory=list)
    shutting_down: bool = False

    def __post_init__(self) -> None:
        self.gateway = SimpleNamespace(id=self.name)

    def send_runtest_some(self, tests: list[int]) -> None:
        assert not self.shutting_down
        self.queue += tests

    def send_steal(self, tests: list[int]) -> None:
        self.asked_back = tests

    def shutdown(self) -> None:
        self.shutting_down = True


def scheduled(tests: list[str], workers: int, seed: int, dies: int = 0) -> dict[str, list[str]]:
    """The tests that each worker ran; one may die before its so manieth test."""
    rng = random.Random(seed)
    config: Any = SimpleNamespace(getvalue=lambda name: [f"{workers}*popen"])
    all_workers = [Worker(f"gw{n}") for n in range(workers)]
    scheduler = WaitingApart(config)
    for worker in all_workers:
        scheduler.add_node(worker)
    for worker in all_workers:
        scheduler.add_node_collection(worker, tests)
    scheduler.schedule()
    ran: dict[str, list[str]] = {worker.name: [] for worker in all_workers}
    while scheduler.has_pending:
        able = [
            worker
            for worker in all_workers
            if len(worker.queue) > (0 if worker.shutting_down else 1) or worker.asked_back
        ]
        assert able, "nobody can go on"
        worker = rng.choice(able)
        if worker.asked_back:
            given = [test for test in worker.asked_back if test in worker.queue[2:]]
            worker.queue = [test for test in worker.queue if test not in given]
            worker.asked_back = []
            scheduler.remove_pending_tests_from_node(worker, given)
        elif dies and len(ran[worker.name]) + 1 == dies and worker is all_workers[-1]:
            all_workers.remove(worker)
            ran["died"] = [scheduler.remove_node(worker)]
        else:
            ran[worker.name].append(tests[worker.queue[0]])
            scheduler.mark_test_complete(worker, worker.queue.pop(0))
        if scheduler.tests_finished:
            for worker in all_workers:
                worker.shutdown()
    return ran


def names(others: int, waiting: int) -> list[str]:
    every = [f"test_{n}" for n in range(others)] + [f"{WAITS}::test_{n}" for n in range(waiting)]
    random.Random(0).shuffle(every)
    return every


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
@pytest.mark.parametrize(("others", "waiting"), [(50, 9), (9, 50), (50, 0), (0, 50), (1, 1)])
def test_every_test_runs_once(workers: int, others: int, waiting: int) -> None:
    tests = names(others, waiting)
    for seed in range(5):
        ran = scheduled(tests, workers, seed)
        assert sorted(test for each in ran.values() for test in each) == sorted(tests)


@pytest.mark.parametrize("seed", range(5))
def test_the_last_worker_waits_and_the_others_do_not(seed: int) -> None:
    ran = scheduled(names(200, 20), 3, seed)
    assert all(test.startswith(WAITS) for test in ran["gw2"])
    assert len(ran["gw2"]) > 10
    assert sum(test.startswith(WAITS) for test in ran["gw0"] + ran["gw1"]) < 10


def test_others_wait_where_they_have_nothing_else() -> None:
    ran = scheduled(names(4, 60), 3, 0)
    assert all(len(ran[name]) > 10 for name in ("gw0", "gw1", "gw2"))


def test_what_a_dead_worker_has_left_is_run_by_others() -> None:
    tests = names(20, 20)
    ran = scheduled(tests, 3, 0, dies=5)
    assert len(ran["gw2"]) == 4
    assert sorted(test for each in ran.values() for test in each) == sorted(tests)


@pytest.mark.parametrize("name", WAITING)
def test_what_is_listed_is_there(name: str) -> None:
    file, _, test = name.partition("::")
    assert f"def {test}" in (ROOT / file).read_text(encoding="utf-8")
