"""Commands in forks of one process that has torch loaded, each bounded as the console script is."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

OUTER_SECONDS = 1800
"""For all forks of a group; no attack may come near."""


FORKS = """
import contextlib, io, json, os, resource, sys
import torch, yaml, seedbed.cli.main as program
from seedbed.process import signals
import seedbed.views.trained, seedbed.views.plots, seedbed.training.run, seedbed.training.reproduce

def fork(words):
    read, write = os.pipe()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.dup2(write, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        signals.take_over(quiet=True)
        code = program.main(words)
        sys.stderr.flush()
        os._exit(code)
    os.close(write)
    with os.fdopen(read, errors="replace") as file:
        err = file.read()
    _, status, used = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(status), err, used.ru_maxrss

for words in json.loads(sys.argv[1]):
    print(json.dumps([words[0], words[1], *fork(words)]), flush=True)
"""

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="the bound of memory is Linux's")
BOUNDS = {"SEEDBED_OPEN_GB": "0.7", "SEEDBED_OPEN_SECONDS": "5"}


def forked(lines: list[list[str]], **environment: str) -> list[list[Any]]:
    """[command, run, exit code, standard error, most memory in KiB] of each line."""
    code = [sys.executable, "-c", FORKS, json.dumps(lines)]
    done = subprocess.run(
        code,
        capture_output=True,
        text=True,
        timeout=OUTER_SECONDS,
        check=False,
        env={**os.environ, **environment},
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == len(lines), done.stderr[-2000:]
    return told
