"""`seedbed train … --debug`: what the user's own code raised is looked at where it was raised."""

import pdb
import sys
from collections.abc import Callable

from seedbed.raised import own_traceback, shown_traceback


def debugged(command: Callable[[], int]) -> int:
    """Does what a command does; an error of the user's own code opens pdb first, in their frame.

    All is as it is at the end of a run that failed: its status is written, its directory free.

    Args:
        command: gives its exit code.

    Raises:
        Exception: what the command raised, afterwards.
    """
    try:
        return command()
    except Exception as err:
        traceback = own_traceback(err)
        if traceback is not None:
            print(shown_traceback(err), end="", file=sys.stderr, flush=True)
            print("--debug: p NAME prints, up and down move, q quits", flush=True)
            debugger = pdb.Pdb()
            debugger.reset()
            debugger.interaction(None, traceback)
        raise
