"""What every function of `import seedbed` keeps to, as the process is somebody else's.

All that it changes there is put back, what is no argument is refused, and the caller stops where
the user interrupted it.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from seedbed.api.hygiene import untouched
from seedbed.api.sweep import Sweep
from seedbed.api.wording import worded_for_python
from seedbed.config.hints import did_you_mean
from seedbed.remote.places import shown
from seedbed.runs.status import Status

if TYPE_CHECKING:
    from seedbed.api.handed import Handed
    from seedbed.sweep.outcome import SweepState

P = ParamSpec("P")
T = TypeVar("T")


def a_guest(function: Callable[P, T]) -> Callable[P, T]:
    """The process is somebody else's: all is put back in it, however the function ends."""
    parameters = inspect.signature(function).parameters.values()
    arguments = [one.name for one in parameters if one.kind is not one.VAR_POSITIONAL]

    @wraps(function)
    def guest(*args: P.args, **named: P.kwargs) -> T:
        _refuse_unknown(function.__name__, arguments, named)
        with worded_for_python(), untouched():
            return function(*args, **named)

    return guest


def _refuse_unknown(function: str, arguments: Sequence[str], named: Iterable[str]) -> None:
    """Python's own error names neither the argument that was meant nor where a key goes.

    Raises:
        TypeError: for a name that is no argument, as Python does.
    """
    for name in named:
        if name not in arguments:
            hint = did_you_mean(name, arguments) or f"; there are {', '.join(arguments)}"
            raise TypeError(
                f"{function}() has no argument '{name}'{hint}; a key of the config is given as an "
                "override, such as 'optimizer.lr=0.01'"
            )


@contextmanager
def composing(given: "Handed") -> "Iterator[Handed]":
    """Inside, what is handed in is found, and Hydra's own objects may change."""
    from seedbed.compose.isolation import hydra_left_alone

    with hydra_left_alone(), given.found():
        yield given


def raise_interrupt(status: str, path: Path) -> None:
    """Stops the caller as well, whose loop would go on with the next run."""
    if status == Status.INTERRUPTED:
        raise KeyboardInterrupt(f"interrupted; seedbed.resume({shown(path)!r}) goes on")


def ended(sweep: Sweep, state: "SweepState") -> Sweep:
    """The sweep, unless it was interrupted; a job that failed interrupts others too."""
    if sweep.statuses.get(Status.INTERRUPTED) and not state.ended_by_failure:
        raise_interrupt(Status.INTERRUPTED, sweep.path)
    return sweep
