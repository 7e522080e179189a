"""`python -m seedbed.remote.carrier TASK`: does what stores are asked for, in a process of its own.

Arrow and fsspec leave threads behind, and may hang where a network does. Here they harm nobody. A
task is told on standard input and answered on standard output, as JSON.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from seedbed.errors import SeedbedError
from seedbed.remote.store import StoreError
from seedbed.remote.urls import WrongUrl, parsed

Task = Callable[..., Any]


def fetch(urls: list[str]) -> dict[str, str]:
    """Brings objects; where the copy of each is."""
    from seedbed.remote.objects import brought

    return {url: str(brought(parsed(url))) for url in urls}


def bring(url: str, folder: str, *, light: bool) -> bool:
    """Brings a run, a sweep or several into a folder; False for a run that may lie in a pack."""
    from seedbed.remote.bringing import bring as brought

    return brought(parsed(url), Path(folder), light=light)


TASKS: Mapping[str, Task] = {"fetch": fetch, "bring": bring}

MIRROR = "mirror"
"""The task that lasts as long as a run; see `mirroring.py`."""


def done(task: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """What came of a task: `done` with its result, or `problems` with lines for the user."""
    return told_problems(lambda: {"done": TASKS[task](**told)})


def told_problems(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What work gives, or `problems` with lines for the user."""
    try:
        return work()
    except (StoreError, WrongUrl) as err:
        return {"problems": [str(err)], "passing": getattr(err, "passing", False)}
    except SeedbedError as err:
        return {"problems": err.problems}


def main() -> None:
    """Does one task."""
    _without_bounds()
    answer = sys.stdout
    sys.stdout = sys.stderr  # what libraries print is no answer

    def say(told: Mapping[str, Any]) -> None:
        with suppress(OSError):  # whoever asked may be gone
            answer.write(f"{json.dumps(told)}\n")
            answer.flush()

    if sys.argv[1] == MIRROR:
        from seedbed.remote.mirroring import mirror

        told = json.loads(sys.stdin.readline())
        say(told_problems(lambda: mirror(say, **told)))
    else:
        say(done(sys.argv[1], json.load(sys.stdin)))
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
