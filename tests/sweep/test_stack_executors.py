"""Stacks train alike in processes of this machine and in tasks that submitit starts."""

import shlex
import sys
from pathlib import Path

import pytest
from support.other_host import OTHER_HOST, refused
from support.stack_executor_contract import StackExecutorContract


class TestProcesses(StackExecutorContract):
    words = ("sweep.workers=2",)


@pytest.mark.slow
class TestSubmititOfThisMachine(StackExecutorContract):
    """Its tasks are on another host, where that can be."""

    words = (
        "sweep.executor=submitit",
        "sweep.slurm.cluster=local",
        "sweep.slurm.array_parallelism=2",
    )

    @pytest.fixture(autouse=True)
    def _elsewhere(self, tmp_path: Path) -> None:
        if refused():
            return
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\nexec {shlex.join([*OTHER_HOST, sys.executable])} "$@"\n')
        python.chmod(0o755)
        self.words = (*self.words, f"sweep.slurm.python={python}")
