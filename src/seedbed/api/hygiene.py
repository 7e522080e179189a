"""Leaves the process of a notebook as it was, whatever is called in it and however that ends."""

import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from seedbed.process.generators import generators_put_back

_one_at_a_time = threading.RLock()
"""Training sets what all threads of a process share: torch's generators and flags, the log."""


@contextmanager
def untouched() -> Iterator[None]:
    """Puts back at the end what is changed inside; one thread at a time, others wait.

    What libraries warn of inside goes to `run.log`, or nowhere, as it does on the command line.
    """
    with _one_at_a_time, ExitStack() as stack:
        for kept in PARTS:
            stack.enter_context(kept())
        yield


@contextmanager
def _import_path() -> Iterator[None]:
    """The working directory is looked in for the user's own classes."""
    path = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = path


@contextmanager
def _environment() -> Iterator[None]:
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        for name, value in before.items():
            if os.environ.get(name) != value:
                os.environ[name] = value


@contextmanager
def _torchs_modes() -> Iterator[None]:
    """Inside, torch is as a new process has it, whatever the caller's `with` or defaults say.

    A run below `torch.no_grad()` or `torch.autocast()` would not train, or give other bits.
    """
    torch: Any = sys.modules.get("torch")
    if torch is None:
        yield
        return
    dtype = torch.get_default_dtype()
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(mode=False))
        stack.enter_context(torch.enable_grad())
        for kind in ("cpu", "cuda", "mps"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)


@contextmanager
def _warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.simplefilter("default")
        warnings.showwarning = _logged  # type: ignore[assignment]
        yield


@contextmanager
def _logs() -> Iterator[None]:
    """What is logged goes to `run.log` alone, and not to the program's own log."""
    handler = logging.NullHandler()
    loggers = [logging.getLogger(name) for name in ("seedbed", "py.warnings")]
    before = [logger.propagate for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, propagated in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.propagate = propagated


def _logged(message: Any, category: Any, filename: str, lineno: int, *_: Any) -> None:
    """As `logging.captureWarnings` has it."""
    text = warnings.formatwarning(message, category, filename, lineno)
    logging.getLogger("py.warnings").warning("%s", text)


PARTS = (_import_path, _environment, generators_put_back, _torchs_modes, _logs, _warnings)
