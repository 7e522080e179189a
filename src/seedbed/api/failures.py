"""What a model, a loss or a Dataset of the user's raises, as an error of ours in one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seedbed.errors import RunFailedError, SeedbedError
from seedbed.raised import reason


@contextmanager
def as_run_failure(log: Path | None = None) -> Iterator[None]:
    """Turns what is raised inside into one line.

    Args:
        log: of the run, which has the traceback; None if it is not kept.

    Raises:
        RunFailedError: with the line of the user's own code; also where it would end the process.
    """
    try:
        yield
    except SeedbedError:
        raise
    except (Exception, SystemExit) as err:
        where = f"{log} has the traceback" if log else "SEEDBED_DEBUG=1 shows where"
        raise RunFailedError(f"{reason(err)}; {where}") from err
