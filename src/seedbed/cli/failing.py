"""What is said of a command that broke off because something in it raised, and its exit code."""

import errno
import os
import sys

from seedbed.errors import RunFailedError, SeedbedError
from seedbed.process.exit_codes import RUN_FAILED, WRONG_INPUT
from seedbed.raised import reason, shown_traceback
from seedbed.remote.brought import named_by_url

LONGEST = 1000
"""Characters of what a library says."""


def print_failure(err: Exception) -> int:
    """Prints the error that ended a command, with its traceback if asked; the exit code."""
    if os.environ.get("SEEDBED_DEBUG"):
        print(shown_traceback(err), end="", file=sys.stderr)
    code, problems = _code_and_problems(err)
    for problem in [] if getattr(err, "told_elsewhere", False) else problems:
        print(f"error: {named_by_url(problem)}", file=sys.stderr)
    return code


def _code_and_problems(err: Exception) -> tuple[int, list[str]]:
    match err:
        case RunFailedError():
            return RUN_FAILED, err.problems
        case SeedbedError():
            return WRONG_INPUT, err.problems
        case MemoryError():
            what = f" ({err})" if str(err) else ""
            advice = "less data, a smaller model or a smaller loader.batch_size takes less"
            return RUN_FAILED, [f"not enough memory{what}; {advice}"]
        case OSError(errno=errno.ENAMETOOLONG):
            return WRONG_INPUT, [f"no file can have a name as long as '{str(err.filename)[:60]}…'"]
        case PermissionError() if err.filename is not None:
            message = f"may not open '{err.filename}': {err.strerror}"
            return WRONG_INPUT, SeedbedError(message).problems
    return RUN_FAILED, [f"{reason(err)[:LONGEST]}; SEEDBED_DEBUG=1 shows where"]
