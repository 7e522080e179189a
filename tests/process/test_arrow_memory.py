"""A process that streams keeps the memory that Arrow has freed, and its environment as it was."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seedbed.process.arrow_memory import DELAY

SCRIPT = f"""
import json, os, sys, time
from seedbed.process.arrow_memory import keep_arrow_memory
keep_arrow_memory()
loaded = "pyarrow" in sys.modules
import pyarrow
resident = lambda: int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
before = resident()
buffer = pyarrow.allocate_buffer(2**26)
memoryview(buffer).cast("B")[:] = bytes(2**26)
del buffer
for _ in range(5):
    time.sleep(0.05)
    pyarrow.allocate_buffer(2**20)
print(json.dumps([loaded, os.environ.get("{DELAY}"), resident() - before]))
"""


@pytest.mark.parametrize("told", [None, "10"])
def test_arrow_keeps_its_memory_unless_the_environment_says_otherwise(told: str | None) -> None:
    env = {**os.environ, **({} if told is None else {DELAY: told})}
    if told is None:
        env.pop(DELAY, None)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=env, check=True, stdout=subprocess.PIPE, text=True
    )
    loaded, left, kept = json.loads(done.stdout)
    assert left == told
    assert loaded is (told is None)
    if told is None and Path("/proc/self/statm").exists():
        assert kept > 2**25
