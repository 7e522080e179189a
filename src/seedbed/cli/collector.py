"""Python's garbage collector, which rests while the console script imports what it needs.

Collecting while torch is imported costs a sixth of the start. Only the console script may do this:
called from Python, Seedbed leaves the collector as it is.
"""

import gc

_resting = False


def rest() -> None:
    """Said by the console script, before it imports anything."""
    global _resting
    _resting = True
    gc.disable()


def wake() -> None:
    """Said by every command once it has imported what it needs, before its work begins."""
    global _resting
    if _resting:
        _resting = False
        gc.freeze()  # modules stay to the end; to look them through again costs time
        gc.enable()
