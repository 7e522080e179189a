"""What SLURM's own commands tell: the partitions, and how jobs stand in the queue."""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WAITING = frozenset({"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT"})
RUNNING = frozenset(
    {"RUNNING", "CONFIGURING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT"}
    | {"RESIZING"}
)
"""States of a job that is not over."""

ANSWER_SECONDS = 30.0
"""How long SLURM may take to answer."""

LEAST_SECONDS, MOST_SECONDS = 1.0, 15.0
"""Between two questions to the queue, which all users share."""


@dataclass(frozen=True)
class Partition:
    """What `sinfo` says of one.

    Args:
        name: of it.
        limit: of the time that a job may take, in SLURM's words.
        cpus: of its largest node.
        gpus: whether it has any.
        state: `up`, if it takes jobs.
        is_default: whether it is the one that is taken where none is named.
    """

    name: str
    limit: str
    cpus: int
    gpus: bool
    state: str
    is_default: bool


def is_here() -> bool:
    """Whether jobs can be submitted from this machine."""
    return shutil.which("sbatch") is not None and shutil.which("srun") is not None


def seconds_between(tasks: int) -> float:
    """Between two questions for so many tasks."""
    return min(MOST_SECONDS, max(LEAST_SECONDS, tasks / 20))


def partitions() -> list[Partition] | str:
    """Those that there are; or why SLURM does not tell."""
    told = _asked(["sinfo", "--noheader", "--format=%P|%l|%c|%G|%a"])
    if isinstance(told, str):
        return told
    found = []
    for line in told:
        name, limit, cpus, gres, state = [field.strip() for field in line.split("|")]
        count = int(re.sub(r"\D", "", cpus) or 0)
        plain = name.removesuffix("*")
        found.append(Partition(plain, limit, count, "gpu" in gres, state, name.endswith("*")))
    return found


def states(jobs: Sequence[str]) -> Mapping[str, tuple[str, str]] | None:
    """The state of each task of arrays, and what is shown of it; None if the queue says nothing.

    Args:
        jobs: ids of the arrays.
    """
    asked = ["--noheader", "--array", "--states=all", "--format=%F|%K|%T|%i %P %j %t %r"]
    told = _asked(["squeue", *asked, f"--jobs={','.join(jobs)}"])
    if isinstance(told, str):
        return {} if "Invalid job id" in told else None
    found = {}
    for line in told:
        array, task, state, shown = line.split("|", 3)
        found[array if task in ("", "N/A") else f"{array}_{task}"] = (state, shown.strip())
    return found


def cancel(ids: Sequence[str]) -> None:
    """Takes jobs out of the queue; those that run get a signal, and a while to end."""
    for start in range(0, len(ids), 500):
        _asked(["scancel", "--quiet", *ids[start : start + 500]])


def _asked(line: list[str]) -> list[str] | str:
    """The lines of an answer; or the last line of an error."""
    try:
        done = subprocess.run(
            line, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        return str(err)
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return [text for text in done.stdout.splitlines() if text.strip()]
