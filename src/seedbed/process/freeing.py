"""Memory that only the garbage collector frees, as an optimizer or a written-out step holds itself.

Python collects by the number of its objects, and knows nothing of the bytes of a tensor. To look
through all objects takes 0.2 s where much is imported, which is more than many a stack.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from seedbed.process.memory import resident_bytes

WORTH = 64 * 2**20
"""Bytes of growth, from which on garbage is looked for."""

_least = sys.maxsize
"""Bytes that this process had since garbage was last looked for, at the least."""


@contextmanager
def freed() -> Iterator[None]:
    """What is made inside and let go is freed afterwards, where the process has grown by much."""
    global _least
    _least = min(_least, resident_bytes())
    try:
        yield
    finally:
        now = resident_bytes()  # 0 if the system does not tell
        _least = min(_least, now)
        if not now or now - _least > WORTH or _computes_elsewhere():
            gc.collect()
            _least = resident_bytes()


def _computes_elsewhere() -> bool:
    """Whether tensors may have memory that is not this process's."""
    torch = sys.modules.get("torch")
    return torch is not None and (torch.cuda.is_initialized() or torch.backends.mps.is_available())
