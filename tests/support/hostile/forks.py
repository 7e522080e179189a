"""Commands in forks of one process that has torch loaded, each bounded as the console script is."""

import atexit
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support import processes

FORKS = """
import gc, json, os, resource, sys
import torch, torch._dynamo, yaml, matplotlib.figure, tensorboard.compat.proto.event_pb2
import seedbed.cli.main as program
from seedbed.process import signals
import seedbed.views.trained, seedbed.views.plots, seedbed.recording.run, seedbed.training.reproduce

def fork(words, environment):
    read, write = os.pipe()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.environ.update(environment)
        os.dup2(write, 2)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)
        signals.take_over(quiet=True)
        code = program.main(words)
        sys.stderr.flush()
        os._exit(code)
    os.close(write)
    with os.fdopen(read, errors="replace") as file:
        err = file.read()
    _, status, used = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(status), err, used.ru_maxrss

gc.freeze()
for line in sys.stdin:
    folder, environment, words = json.loads(line)
    os.chdir(folder)
    print(json.dumps([words[0], words[1], *fork(words, environment)]), flush=True)
"""

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="the bound of memory is Linux's")
BOUNDS = {"SEEDBED_OPEN_GB": "0.7", "SEEDBED_OPEN_SECONDS": "5"}


@cache
def _server() -> subprocess.Popen[str]:
    """One for all tests of this process: it takes seconds to start."""
    server = processes.Process(
        [sys.executable, "-c", FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(server.communicate)  # it ends when nobody can ask it any more
    return server


def forked(lines: list[list[str]], **environment: str) -> list[list[Any]]:
    """[command, run, exit code, standard error, most memory in KiB] of each line."""
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    told = []
    for words in lines:
        print(json.dumps([str(Path.cwd()), environment, words]), file=server.stdin, flush=True)
        answer = server.stdout.readline()
        assert answer, f"the process of the forks ended: {server.wait()}"
        told.append(json.loads(answer))
    return told
