"""`python -m seedbed.remote.carrier TASK`: does what stores are asked for, in a process of its own.

Arrow and fsspec leave threads behind, and may hang where a network does. Here they harm nobody. A
task is told on standard input and answered on standard output, as JSON.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from seedbed.errors import SeedbedError
from seedbed.remote.store import StoreError
from seedbed.remote.urls import WrongUrl, parsed

Task = Callable[..., Any]


def fetch(urls: list[str]) -> dict[str, str]:
    """Brings objects; where the copy of each is."""
    from seedbed.remote.objects import brought

    return {url: str(brought(parsed(url))) for url in urls}


TASKS: Mapping[str, Task] = {"fetch": fetch}


def done(task: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """What came of a task: `done` with its result, or `problems` with lines for the user."""
    try:
        return {"done": TASKS[task](**told)}
    except (StoreError, WrongUrl) as err:
        return {"problems": [str(err)], "passing": getattr(err, "passing", False)}
    except SeedbedError as err:
        return {"problems": err.problems}


def main() -> None:
    """Does one task."""
    _without_bounds()
    answer = sys.stdout
    sys.stdout = sys.stderr  # what libraries print is no answer
    result = done(sys.argv[1], json.load(sys.stdin))
    answer.write(json.dumps(result))
    answer.flush()
    os._exit(0)  # threads of libraries may wait for a store


def _without_bounds() -> None:
    """The bounds of opening a run are its parent's; threads alone would reach them."""
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


if __name__ == "__main__":
    main()
