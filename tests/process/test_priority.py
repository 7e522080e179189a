"""Threads that wait for the others of their process."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from seedbed.process import priority


def niceness(_: object = None) -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has a niceness of each thread")
def test_a_thread_gives_way_and_no_other_does() -> None:
    before = niceness()
    with ThreadPoolExecutor(1, initializer=priority.give_way_to_others) as pool:
        assert pool.submit(niceness).result() == min(before + priority.BEHIND, 19)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(niceness).result() == before
    assert niceness() == before


@pytest.mark.parametrize("error", [PermissionError, OSError])
def test_a_thread_that_may_not_goes_on(
    error: type[OSError], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise error("not here")

    monkeypatch.setattr(os, "setpriority", refused)
    with ThreadPoolExecutor(1, initializer=priority.give_way_to_others) as pool:
        assert pool.submit(lambda: 3).result() == 3


def test_the_switch_turns_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEDBED_FAST_START", "0")
    before = niceness()
    with ThreadPoolExecutor(1, initializer=priority.give_way_to_others) as pool:
        assert pool.submit(niceness).result() == before
