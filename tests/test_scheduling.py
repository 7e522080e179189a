"""The worker of tests that wait has them to itself, as long as the others have other tests."""

import random
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from support.scheduling import WAITING, WaitingApart, is_of_others, waits

ROOT = Path(__file__).parents[1]
WAITS = WAITING[-1]


@dataclass(eq=False)
class Worker:
    """What the scheduler knows of a worker; it runs a test only once it has the next one."""

    name: str
    queue: list[int] = field(default_factory=list)
    asked_back: list[int] = field(default_factory=list)
    shutting_down: bool = False
    workerinput: dict[str, bool] = field(default_factory=lambda: {"waits": False})

    def __post_init__(self) -> None:
        self.gateway = SimpleNamespace(id=self.name)

    def collected(self, tests: list[str]) -> list[str]:
        """As `pytest_ignore_collect` of our conftest has it."""
        if not self.workerinput["waits"]:
            return tests
        return [name for name in tests if not is_of_others(ROOT / name.partition("::")[0], ROOT)]

    def send_runtest_some(self, tests: list[int]) -> None:
        assert not self.shutting_down
        self.queue += tests

    def send_steal(self, tests: list[int]) -> None:
        self.asked_back = tests

    def shutdown(self) -> None:
        self.shutting_down = True


def scheduled(
    tests: list[str], workers: int, seed: int, dies: int = 0, first: bool = False
) -> dict[str, list[str]]:
    """The tests that each worker ran.

    Args:
        tests: all that there are.
        workers: how many.
        seed: of the order in which they end their tests.
        dies: before its so manieth test, the last one.
        first: the worker that waits is the first to be ready, and not the last.
    """
    rng = random.Random(seed)
    config: Any = SimpleNamespace(getvalue=lambda name: [f"{workers}*popen"])
    all_workers = [Worker(f"gw{n}") for n in range(workers)]
    all_workers[-1].workerinput["waits"] = workers > 2
    scheduler = WaitingApart(config)
    for worker in reversed(all_workers) if first else all_workers:
        scheduler.add_node(worker)
    collected = {worker: worker.collected(tests) for worker in all_workers}
    for worker, own in collected.items():
        scheduler.add_node_collection(worker, own)
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
            ran[worker.name].append(collected[worker][worker.queue[0]])
            scheduler.mark_test_complete(worker, worker.queue.pop(0))
        if scheduler.tests_finished:
            for worker in all_workers:
                worker.shutdown()
    return ran


def names(others: int, waiting: int) -> list[str]:
    every = [f"tests/test_others.py::test_{n}" for n in range(others)]
    every += [f"{WAITS}::test_{n}" for n in range(waiting)]
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


@pytest.mark.parametrize("seed", range(5))
def test_the_worker_that_waits_may_be_ready_first(seed: int) -> None:
    ran = scheduled(names(200, 20), 3, seed, first=True)
    assert all(test.startswith(WAITS) for test in ran["gw2"])
    assert len(ran["gw2"]) > 10


@pytest.mark.parametrize(("workers", "waiting"), [(1, []), (2, []), (3, ["gw2"]), (4, ["gw3"])])
def test_the_last_of_more_than_two_is_to_wait(workers: int, waiting: list[str]) -> None:
    manager = SimpleNamespace(specs=[object()] * workers)
    gateways = [SimpleNamespace(id=f"gw{n}") for n in range(workers + 1)]  # one died
    nodes = [SimpleNamespace(gateway=one, nodemanager=manager) for one in gateways]
    assert [node.gateway.id for node in nodes if waits(node)] == waiting


def test_another_worker_that_collects_something_else_is_refused() -> None:
    config: Any = SimpleNamespace(getvalue=lambda name: ["3*popen"], hook=mock.MagicMock())
    scheduler = WaitingApart(config)
    for n, own in enumerate((names(9, 9), names(9, 9), names(8, 9))):
        worker: Any = Worker(f"gw{n}", workerinput={"waits": n == 2})
        scheduler.add_node(worker)
        scheduler.add_node_collection(worker, own if n < 2 else [*own, "tests/test_more.py::test"])
    scheduler.schedule()
    config.hook.pytest_collectreport.assert_called_once()
    assert scheduler.collection is None


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
