"""Stacks train alike in processes of this machine and in tasks that submitit starts."""

import pytest
from support.stack_executor_contract import StackExecutorContract


class TestProcesses(StackExecutorContract):
    words = ("sweep.workers=2",)


@pytest.mark.slow
class TestSubmititOfThisMachine(StackExecutorContract):
    words = (
        "sweep.executor=submitit",
        "sweep.slurm.cluster=local",
        "sweep.slurm.array_parallelism=2",
    )
