"""Gives the command line random input that is mostly wrong, and looks at how it answers.

    python benchmarks/fuzz.py [--cases 10000] [--seed 0] [--first 0]

Right is: exit code 0, or 2 with one or more `error:` lines on standard error and nothing else; no
exception, no traceback, no run directory that says completed but for a run that was. All in one
process, through `seedbed.cli.main.main`. A failure is told with its input made small.
"""

import argparse
import contextlib
import gc
import io
import json
import logging
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import torch
from measure.wrong_input import Case, case

from seedbed.cli.main import main
from seedbed.process.exit_codes import DONE, RUN_FAILED, WRONG_INPUT

SECONDS = 60
"""How long one case may take."""

MEMORY = 6 * 2**30
"""Bytes that the process may address; a model of any size may be asked for."""

TRIALS = 80
"""How often a failure is tried again to make its input small."""


@dataclass
class Answer:
    """How the command line answered.

    Args:
        code: the exit code; None if an exception escaped.
        err: standard error; the traceback, if an exception escaped.
    """

    code: int | None
    err: str


class TooLongError(Exception):
    """A case that does not end."""


def answered(words: list[str]) -> Answer:
    """Runs one command in this process, as if it were one of its own."""
    # Encoded as a terminal would have it: what cannot be encoded is found out here.
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    code: int | None
    escaped = ""
    path_before = list(sys.path)
    signal.alarm(SECONDS)
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            warnings.catch_warnings(),
        ):
            code = main(words)
            out.flush()
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        code, escaped = None, traceback.format_exc()
    finally:
        signal.alarm(0)
        sys.path[:] = path_before
        _close_log()
        gc.unfreeze()
        gc.enable()
    err.flush()
    return Answer(code, escaped or err.buffer.getvalue().decode())  # type: ignore[attr-defined]


def problem(tried: Case, folder: Path) -> str | None:
    """What is wrong with the answer to a case, tried in an empty folder; None if nothing is."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in tried.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    folder.mkdir(exist_ok=True)
    with contextlib.chdir(folder):
        answer = answered(tried.words)
    lines = answer.err.splitlines()
    told = bool(lines) and all(line.startswith("error: ") for line in lines)
    if answer.code == RUN_FAILED and told and lines[0].startswith("error: diverged: "):
        return _status_problem(folder, "diverged")
    if answer.code == DONE:
        return _status_problem(folder, "completed") if tried.words[0] == "train" else None
    if answer.code != WRONG_INPUT or not told:
        return f"exit code {answer.code}\n{answer.err.strip()}"
    return _status_problem(folder, "failed")


def _status_problem(folder: Path, expected: str) -> str | None:
    """A directory that was not made, or is empty yet, claims nothing."""
    path = folder / "run" / "status.json"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    status = json.loads(text)["status"] if text else "failed"
    return None if status == expected else f"status.json says {status}, not {expected}"


def smaller(failing: Case, folder: Path) -> Case:
    """The same failure from less: fewer words, shorter files."""
    kind = _kind(problem(failing, folder))
    trials = 0
    progress = True
    while progress and trials < TRIALS:
        progress = False
        for less in _lessened(failing):
            trials += 1
            if _kind(problem(less, folder)) == kind:
                failing, progress = less, True
                break
            if trials >= TRIALS:
                break
    return failing


def _kind(said: str | None) -> str | None:
    """The failure without what depends on the input."""
    return said and " ".join(said.splitlines()[0].split()[:3] + said.splitlines()[-1].split()[:2])


def _lessened(one: Case) -> list[Case]:
    words = range(1, len(one.words))
    made = [Case(one.words[:n] + one.words[n + 1 :], one.files) for n in words]
    for name, content in one.files.items():
        size = len(content) // 2
        while size:
            starts = range(0, len(content), size)
            cuts = [content[:at] + content[at + size :] for at in starts][:16]
            made += [Case(one.words, {**one.files, name: cut}) for cut in cuts]
            size //= 4
    return made


def _close_log() -> None:
    logger = logging.getLogger("seedbed")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TooLongError(f"longer than {SECONDS} s")


def command() -> int:
    """The command line; 1 if an answer was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    args = parser.parse_args()
    signal.signal(signal.SIGALRM, _too_long)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.environ.pop("SEEDBED_DEBUG", None)
    torch.set_num_threads(1)
    began, failures = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch).resolve() / "case"
        for number in range(args.first, args.first + args.cases):
            tried = case(random.Random(f"{args.seed}/{number}"))
            if problem(tried, folder) is not None:
                failures += 1
                tried = smaller(tried, folder)
                print(f"--- case {number}: seedbed {tried.words}")
                print("\n".join(f"{name}: {data!r}" for name, data in tried.files.items()))
                print(problem(tried, folder), flush=True)
    print(f"{args.cases} cases, {failures} failures; {time.monotonic() - began:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(command())
