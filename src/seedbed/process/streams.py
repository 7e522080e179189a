"""Standard output and error of the console script, which nothing that happens to them can stop.

A reader that has gone, a full disk or a closed stream ends no run: what cannot be said is not said,
and the exit code tells of it where that was a fault.
"""

import io
import os
import select
import sys
from contextlib import suppress
from typing import TextIO


class Outlet(io.FileIO):
    """A file that takes everything, and notes the first reason for which it could not write.

    Args:
        number: of the open file.
    """

    error: OSError | None = None

    def __init__(self, number: int) -> None:
        super().__init__(number, "w", closefd=False)

    def write(self, content, /):  # type: ignore[no-untyped-def]
        """Takes all of it."""
        if self.error is None:
            try:
                while (written := super().write(content)) is None:  # a pipe that does not block
                    select.select([], [self], [])
            except OSError as err:
                self.error = err
            else:
                return written
        return len(content)


def guard() -> None:
    """Puts outlets under `print`, and the null device where a stream was closed before the start.

    A file that is opened later would take the closed one's number, and all that is written to it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdout = _guarded(sys.stdout, 1)
    sys.stderr = _guarded(sys.stderr, 2)


def lost() -> str | None:
    """Why what was printed did not all get through; None if it did, or if the reader has gone."""
    with suppress(ValueError):  # closed by somebody
        sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    error = raw.error if isinstance(raw, Outlet) else None
    return None if error is None or isinstance(error, BrokenPipeError) else error.strerror


def _guarded(stream: TextIO | None, number: int) -> TextIO:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    errors = getattr(stream, "errors", None) or "strict"
    if errors == "strict":  # of a terminal that has no ± the rest is shown all the same
        errors = "backslashreplace"
    raw = Outlet(number)
    lines = number == 2 or raw.isatty()
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=encoding, errors=errors, line_buffering=lines
    )
