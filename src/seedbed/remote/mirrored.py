"""A run or a sweep that belongs to a URL, seen from the process that makes it."""

import json
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from seedbed.errors import RunDirectoryError, RunFailedError
from seedbed.remote.carried import command
from seedbed.remote.last_state import end_seconds, unwritten
from seedbed.remote.places import resumed_place, url_of
from seedbed.remote.urls import Url


class Upload:
    """What came of writing it to its URL; known at the end of the block of `mirrored`."""

    problem: str | None = None

    def refuse_unwritten(self) -> None:
        """At last, when all else was said.

        Raises:
            RunFailedError: if the last state is not there.
        """
        if self.problem is not None:
            raise RunFailedError(self.problem)


PATIENCE_SECONDS = 20.0
"""Beyond the time for which the last state is tried to be written."""


@contextmanager
def mirrored(folder: Path, mode: Literal["new", "resume"] = "new") -> Iterator[Upload]:
    """Inside, a folder is written to the URL that it belongs to, if it does to one.

    Args:
        folder: of the run or the sweep.
        mode: whether it begins, or goes on: then it is brought here first.

    Raises:
        RunDirectoryError: if it cannot be written there, before anything is begun.
    """
    upload, url = Upload(), url_of(folder)
    if url is None:
        yield upload
        return
    process = _started({"url": str(url), "folder": str(folder), "mode": mode})
    try:
        _hear(process)
        yield upload
    finally:
        with suppress(OSError):
            process.stdin.write("end\n")  # type: ignore[union-attr] # forks may have it open
            process.stdin.close()  # type: ignore[union-attr]
        upload.problem = _last_words(process, folder, url)


@contextmanager
def going_on(place: str) -> Iterator[Path]:
    """The folder here of a run or a sweep that goes on inside, and is written where it belongs.

    Args:
        place: a folder, or the URL of one.

    Raises:
        RunDirectoryError: if it lies at a URL where none can be written.
        RunFailedError: at the end, if the last state is not there.
    """
    folder = Path(resumed_place(place))
    with mirrored(folder, "resume") as upload:
        yield folder
    upload.refuse_unwritten()


def _started(told: dict[str, Any]) -> "subprocess.Popen[str]":
    """A carrier that no signal of the terminal reaches; its notes are printed as ours are."""
    try:
        process = subprocess.Popen(
            command("mirror"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        process.stdin.write(f"{json.dumps(told)}\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
    except OSError as err:
        raise RunDirectoryError(f"cannot start a process: {err.strerror or err}") from err
    return process


def _hear(process: "subprocess.Popen[str]") -> None:
    """Waits until it is ready.

    Raises:
        RunDirectoryError: if it cannot begin.
    """
    answer = _answer(process)
    if "ready" not in answer:
        raise RunDirectoryError(*answer.get("problems", ["what writes to URLs has ended"]))


def _last_words(process: "subprocess.Popen[str]", folder: Path, url: Url) -> str | None:
    """Why the last state is not there; None if it is. One that a store keeps waiting is ended."""
    out = process.stdout.fileno()  # type: ignore[union-attr]
    if not select.select([out], [], [], end_seconds() + PATIENCE_SECONDS)[0]:
        process.kill()
        process.wait()
        return unwritten(f"'{url}' does not answer", folder, url)
    answer = _answer(process)
    process.stdout.close()  # type: ignore[union-attr]
    process.wait()
    if "done" in answer:
        return None
    return "; ".join(answer.get("problems", ["what writes to URLs has ended"]))


def _answer(process: "subprocess.Popen[str]") -> dict[str, Any]:
    with suppress(ValueError):
        answer = json.loads(process.stdout.readline())  # type: ignore[union-attr]
        if isinstance(answer, dict):
            return answer
    return {}
