"""Python programs in processes of their own, without the seconds that imports take in each.

`run` and `Process` are `subprocess.run` and `subprocess.Popen` for `[sys.executable, …]`. The
process is forked from one that has imported torch, Hydra and Seedbed. It is a child of this one,
with a number, folder, variables, files and signals of its own; it runs the program from its first
line as `__main__`, and ends as Python ends. Only the imports are done already. So where a test is
about these, about threads, memory or hashes from the start on, it starts a new Python.
"""

import atexit
import ctypes
import inspect
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("forking.py")
LATE = {"COLUMNS", "HYDRA_FULL_ERROR", "LINES", "NO_COLOR", "PYTHONPATH", "TERM", "TMPDIR"}
LATE |= {"PYTHONIOENCODING"}  # `encoding` or `encoding:errors`
LATE |= {"ARROW_DEFAULT_MEMORY_POOL", "CUBLAS_WORKSPACE_CONFIG"}  # which Seedbed itself sets
LATE |= {"_TORCHINDUCTOR_PYOBJECT_TENSOR_DATA_PTR"}  # which torch's compiler sets for itself
LATE |= {"SLURM_CONF", "TORCHINDUCTOR_CACHE_DIR", "XDG_CACHE_HOME"}  # which our tests set
LATE |= {"TORCHINDUCTOR_CPP_CACHE_PRECOMPILE_HEADERS"}  # likewise
LATE |= {"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID"}
LATE |= {"KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK", "_RJEM_MALLOC_CONF"}  # scikit-learn, polars
"""Variables that a fork takes as a new Python does, beside our own; a `sitecustomize` aside."""

PR_SET_CHILD_SUBREAPER = 36
"""Source: prctl(2)."""


class Process(subprocess.Popen):
    """See above. What a fork cannot give, such as other flags of Python, a new Python gives."""

    imported: tuple[str, ...] = ()
    """The modules that are imported already; none stands for all that commands need."""

    def _execute_child(self, *settings: Any) -> None:
        start = super()._execute_child
        asked = inspect.signature(start).bind(*settings).arguments
        line, variables = asked["args"], asked["env"] if asked["env"] is not None else os.environ
        if not (_is_plain(asked) and _is_python(line) and _early(variables) == EARLY):
            start(*settings)
            return
        place = {
            "words": [os.fsdecode(word) for word in line[1:]],
            "variables": dict(variables),
            "folder": os.fsdecode(asked["cwd"] or Path.cwd()),
            "umask": _umask(),
            "session": asked["start_new_session"],
            "group": asked.get("process_group", -1),
        }
        ends = [asked[name] for name in ("p2cread", "c2pwrite", "errwrite")]
        files = [number if end == -1 else end for number, end in enumerate(ends)]
        self.pid = _forking(*self.imported).fork(place, files)
        self._child_created = True
        names = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
        self._close_pipe_fds(*(asked[name] for name in names))


class ProcessWithTorch(Process):
    """Nothing but torch is imported: for tests of what Seedbed imports, and of its first steps."""

    imported = ("torch",)


def run(
    line: Sequence[object],
    *,
    input: Any = None,
    capture_output: bool = False,
    timeout: float = 200,
    check: bool = False,
    kind: type[subprocess.Popen] = Process,
    **settings: Any,
) -> subprocess.CompletedProcess[Any]:
    """As `subprocess.run`, with a process of a kind."""
    if capture_output:
        settings |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if input is not None:
        settings["stdin"] = subprocess.PIPE
    with kind(line, **settings) as process:
        try:
            out, err = process.communicate(input, timeout)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(line, process.returncode, out, err)
    if check:
        done.check_returncode()
    return done


def _is_plain(asked: Mapping[str, Any]) -> bool:
    """Whether nothing is asked that only the start of another program gives."""
    special = ("executable", "preexec_fn", "pass_fds", "shell", "gids")
    numbers = ("gid", "uid", "umask")
    unasked = all(asked.get(name, -1) in (None, -1) for name in numbers)
    unasked &= not any(asked.get(name) for name in special)
    return sys.platform == "linux" and unasked and Path(asked["cwd"] or ".").is_dir()


def _is_python(line: Any) -> bool:
    """`python -m MODULE`, `python -c PROGRAM` or `python FILE`, without flags of Python."""
    if isinstance(line, str | bytes | os.PathLike) or line[0] != sys.executable:
        return False
    first = str(line[1])
    return first in ("-c", "-m") or not first.startswith("-")


def _early(variables: Mapping[str, str]) -> dict[str, str]:
    """Those that Python or a library may have read while it began."""
    ours = ("SEEDBED_", "PYTEST_", "AWS_")
    return {
        name: value
        for name, value in variables.items()
        if name not in LATE and not name.startswith(ours)
    }


# Torch's idle threads would spin after each operation of the main one: where two workers share the
# cores, that is up to a third of what a test computes. Libraries read it as they are loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
EARLY = _early(os.environ)


def _umask() -> int:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("Umask:")[2].split()[0], 8)


class _Forking:
    """The process that is forked, and the way to ask it."""

    def __init__(self, *modules: str) -> None:
        self.lock = threading.Lock()
        self.asks, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, PROGRAM, str(theirs.fileno()), *modules],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
                env=EARLY,
            )
        atexit.register(self.end)

    def end(self) -> None:
        """At the end of this process; if that is killed, nobody can ask any more."""
        self.asks.close()
        self.process.kill()
        self.process.wait()

    def fork(self, place: Mapping[str, Any], files: Sequence[int]) -> int:
        """The number of a new process, once it has its place; this one is its parent."""
        request = json.dumps(place).encode()
        with self.lock:
            _adopt(True)
            try:
                socket.send_fds(self.asks, [request], files)
                child, taken = self.asks.recv(20), self.asks.recv(20)
            finally:
                _adopt(False)
        assert taken, f"the process that is forked has ended: {self.process.wait()}"
        return int(child)


@cache
def _forking(*modules: str) -> _Forking:
    """One for all tests of this process: it takes seconds to start."""
    return _Forking(*modules)


def _adopt(adopts: bool) -> None:
    """Whether this process becomes the parent of processes below it that have lost theirs."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(adopts), 0, 0, 0)
