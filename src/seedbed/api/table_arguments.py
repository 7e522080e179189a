"""What a program hands to the methods of a table of runs, in the form that the rooms below take."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seedbed.errors import ArgumentError

if TYPE_CHECKING:
    from seedbed.analysis.runs_compared import Request


def text_given(given: object, name: str, example: str) -> str:
    """A text as it is.

    Raises:
        ArgumentError: if it is none.
    """
    if not isinstance(given, str):
        raise ArgumentError(
            f"{name} must be a text such as '{example}', got {type(given).__name__}"
        )
    return given


def listed(keys: str | Sequence[str] | None) -> Sequence[str] | None:
    """One key as a list of it."""
    return [keys] if isinstance(keys, str) else keys


def request_of(
    metric: str | None, over: str | Sequence[str] | None, better: str | None
) -> "Request":
    """How runs are to be compared, as `RunTable.compare` takes it."""
    # Imported here: NumPy is not waited for where nothing is compared.
    from seedbed.analysis.runs_compared import Request

    return Request(metric, listed(over), better)
