"""Has a carrier do a task with stores (`carrier.py`), and hears what came of it."""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from seedbed.errors import SeedbedError


class CarrierError(SeedbedError):
    """A store did not do what was asked.

    Args:
        problems: one line each.
        passing: whether it may be over later.
    """

    def __init__(self, *problems: str, passing: bool = False) -> None:
        super().__init__(*problems)
        self.passing = passing


def command(*words: str) -> Sequence[str]:
    """What starts a carrier; the working directory gives it no modules."""
    return [sys.executable, "-P", "-m", "seedbed.remote.carrier", *words]


def carried(task: str, *, here: bool = False, **told: Any) -> Any:
    """What came of a task.

    Args:
        task: one of `carrier.TASKS`.
        here: in this process, as what is in its memory is nowhere else.
        told: arguments of the task.

    Raises:
        CarrierError: if a store did not do what was asked, or the carrier died.
    """
    if here:
        from seedbed.remote.carrier import done

        return _result(done(task, told))
    try:
        ended = subprocess.run(
            command(task), input=json.dumps(told), capture_output=True, text=True, check=False
        )
    except OSError as err:
        raise CarrierError(f"cannot start a process: {err.strerror or err}") from err
    try:
        return _result(json.loads(ended.stdout))
    except ValueError as err:
        said = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1][:300]
        raise CarrierError(f"what reads URLs ended with {ended.returncode}: {said}") from err


def _result(answer: dict[str, Any]) -> Any:
    if "problems" in answer:
        raise CarrierError(*answer["problems"], passing=bool(answer.get("passing")))
    return answer["done"]
