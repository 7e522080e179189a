"""Torch's compiler, for `trainer.compile`: nothing else imports it, as that takes a second.

Torch writes C++ for a CPU and has the system's compiler make a library of it, which it keeps in a
folder of its own (TORCHINDUCTOR_CACHE_DIR, in the temporary folder unless it is named).
"""

import importlib
import logging
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import torch

MOST_TIMES = 16
"""That one function is compiled, as its attributes change; torch would go on without a word."""

LONGEST = 60.0
"""Seconds that the system's compiler may take for a line."""

LINE = b"#include <Python.h>\nint main() { return 0; }\n"
"""What torch makes is a module of Python's."""


class CompilerError(Exception):
    """There is no compiler, or it failed; the text says which."""


def check() -> None:
    """Has the system's C++ compiler look at a line.

    Raises:
        CompilerError: if there is none, or it does not make modules of Python's.
    """
    named = os.environ.get("CXX", "")
    words = shlex.split(named) or ["clang++" if sys.platform == "darwin" else "g++"]
    found = shutil.which(words[0])
    if found is None:
        missing = f"CXX={named} is no program" if named else f"no '{words[0]}' on PATH"
        raise CompilerError(f"there is no C++ compiler: {missing}; install g++, or name one by CXX")
    include = sysconfig.get_path("include")
    line = [found, *words[1:], f"-I{include}", "-fsyntax-only", "-xc++", "-"]
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(line, input=LINE, capture_output=True, timeout=LONGEST)
        if not done.returncode:
            return
        if b"Python.h" in done.stderr:
            raise CompilerError(
                f"the headers of Python are not in {include}; install python3-dev, or Python's own "
                "package for them"
            )
    raise CompilerError(f"the C++ compiler {words[0]} fails; name another by CXX")


def backends() -> list[str]:
    """What torch can compile with here, those for debugging last; to ask brings the compiler."""
    usual: list[str] = torch.compiler.list_backends()
    return [*usual, *sorted(set(torch.compiler.list_backends(exclude_tags=())) - {*usual})]


class Compiler:
    """Compiles a function, each form of its tensors when it comes for the first time.

    Nothing of what was compiled in this process before is used: torch takes sizes that were seen to
    change for unknown ones, and the bits of a run would depend on the runs before it.

    Args:
        backend: what torch compiles with.

    Attributes:
        seconds: that compiling took so far.
    """

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self.seconds = 0.0
        self._began = 0.0
        torch.compiler.reset()
        self._callbacks = importlib.import_module("torch._dynamo.callback").callback_handler
        self._counters = importlib.import_module("torch._dynamo.utils").counters
        self._counters.clear()

    @contextmanager
    def compiling(self) -> Iterator[None]:
        """Functions are compiled inside: whole, in this process, and never left alone silently."""
        patches = {
            "torch._dynamo.config": {
                "recompile_limit": MOST_TIMES,
                "fail_on_recompile_limit_hit": True,
            },
            "torch._functorch.config": {"force_non_lazy_backward_lowering": True},
            "torch._inductor.config": {"compile_threads": 1},
        }
        with ExitStack() as stack:
            stack.enter_context(_quiet())
            for module, values in patches.items():
                stack.enter_context(importlib.import_module(module).patch(values))
            self._callbacks.register_start_callback(self._start)
            self._callbacks.register_end_callback(self._end)
            try:
                yield
            finally:
                with suppress(ValueError):  # someone may have cleared them
                    self._callbacks.remove_start_callback(self._start)
                    self._callbacks.remove_end_callback(self._end)

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which is compiled when it is called."""
        with _quiet():
            made: Callable[..., Any] = torch.compile(function, dynamic=False, backend=self.backend)
        return made

    @property
    def graphs(self) -> int:
        """Parts that were compiled."""
        return int(self._counters["stats"].get("unique_graphs", 0))

    @property
    def breaks(self) -> list[str]:
        """Why the function was taken apart, each reason once: the first of torch's words."""
        return [str(one).split("\n")[0] for one in self._counters["graph_break"]]

    def _start(self, _: object) -> None:
        self._began = time.perf_counter()

    def _end(self, _: object) -> None:
        self.seconds += time.perf_counter() - self._began


@contextmanager
def _quiet() -> Iterator[None]:
    """Inside, the compiler tells nobody what it does not like of itself."""
    log = logging.getLogger("torch._dynamo")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"torch\.")
            yield
    finally:
        log.setLevel(before)


def is_of_compiler(err: BaseException) -> bool:
    """Whether it was raised by torch's compiler, and not by what it ran."""
    return any(
        kind.__module__.startswith(("torch._dynamo", "torch._inductor", "torch._functorch"))
        for kind in type(err).__mro__
    )


def is_other_each_time(err: BaseException) -> bool:
    """Whether it says that a function was compiled `MOST_TIMES`, and is another one again."""
    return type(err).__name__ == "FailOnRecompileLimitHit"
