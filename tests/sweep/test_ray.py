"""Stacks train alike in tasks of Ray, on a cluster that the sweep starts and on one that runs.

Ray is 240 MB, and no package of the tests: type `pip install ray` to run these.
"""

from collections.abc import Callable
from importlib.util import find_spec

import pytest
from support.command_line import Command, in_a_new_python
from support.stack_executor_contract import StackExecutorContract

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed"),
]


class TestRay(StackExecutorContract):
    words = ("sweep.executor=ray",)

    @pytest.fixture
    def seedbed(self) -> Command:
        """In a process of its own, as Ray keeps threads and sockets of its own."""
        return in_a_new_python


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["sweep.ray.address=here"], "sweep.ray.address=here: it must be auto, HOST:PORT or"),
        (["sweep.ray.address=127.0.0.1:1"], "sweep.ray.address=127.0.0.1:1: nothing answers"),
        (["sweep.ray.cpus=500"], "sweep.ray.cpus=500: the largest node of the Ray cluster has"),
        (["sweep.ray.gpus=1"], "sweep.ray.gpus=1: the largest node of the Ray cluster has 0"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_no_cluster_has_is_one_line(
    seedbed_process: Callable, words: list[str], error: str
) -> None:
    result = seedbed_process("train", "-m", "seed=1,2", "sweep.executor=ray", *words)
    assert result.code == 2
    assert len(result.errors) == 1
    assert error in result.errors[0]
