"""Half of the work is done in a fork: its results, its errors, and its death."""

import os
import signal
from pathlib import Path

import pytest

from seedbed.errors import RunDirectoryError
from seedbed.process.fork_map import WORTH_IT, fork_map

ITEMS = list(range(2 * WORTH_IT))


def test_results_come_in_order_from_two_processes() -> None:
    done = fork_map(ITEMS, lambda item: (item, os.getpid()))
    assert [item for item, _ in done] == ITEMS
    assert len({process for _, process in done}) == min(2, os.cpu_count() or 1)


@pytest.mark.parametrize("items", [[], [1], ITEMS[: WORTH_IT - 1]], ids=len)
def test_few_are_done_here(items: list[int]) -> None:
    assert set(fork_map(items, lambda _: os.getpid())) <= {os.getpid()}


def test_files_of_both_halves_are_there(tmp_path: Path) -> None:
    fork_map(ITEMS, lambda item: (tmp_path / str(item)).write_text("x"))
    assert len(list(tmp_path.iterdir())) == len(ITEMS)


@pytest.mark.parametrize("bad", [0, len(ITEMS) - 1], ids=["here", "there"])
def test_an_error_is_raised_here(bad: int) -> None:
    def work(item: int) -> int:
        if item == bad:
            raise RunDirectoryError(f"cannot write {item}")
        return item

    with pytest.raises(RunDirectoryError, match=f"cannot write {bad}"):
        fork_map(ITEMS, work)


def test_an_error_that_cannot_be_sent_is_told() -> None:
    class Local(Exception):
        """Of a class that only this process has."""

    def work(item: int) -> int:
        if item == ITEMS[-1]:
            raise Local("told to")
        return item

    with pytest.raises(RuntimeError, match="Local: told to"):
        fork_map(ITEMS, work)


def test_a_fork_that_dies_is_an_error() -> None:
    here = os.getpid()

    def work(item: int) -> int:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return item

    with pytest.raises(OSError, match="a fork died"):
        fork_map(ITEMS, work)
