"""Short, readable, safe folder names for the jobs of a sweep."""

import re
from collections.abc import Sequence

from seedbed.errors import ConfigError
from seedbed.runs.layout import SWEEP_CONFIG, SWEEP_JOBS, SWEEP_TABLE, SWEEP_TASKS
from seedbed.runs.pack import is_pack_name
from seedbed.runs.tar_members import LONGEST_FOLDER

TAKEN = ("", SWEEP_CONFIG, SWEEP_JOBS, SWEEP_TABLE, SWEEP_TASKS)
"""Names that no job's folder can have."""

LONGEST_NAME = 255
"""Bytes."""

LONGEST = 80
"""Characters of a folder's name after its number; file systems allow 255 bytes."""


def job_folders(jobs: Sequence[Sequence[str]]) -> list[str]:
    """A folder for each job, named by the overrides that not all jobs share.

    Args:
        jobs: the overrides of each, in order.
    """
    shared = set(jobs[0]).intersection(*jobs) if len(jobs) > 1 else set()
    digits = len(str(len(jobs) - 1))
    return [
        job_folder(number, [override for override in overrides if override not in shared], digits)
        for number, overrides in enumerate(jobs)
    ]


def job_folder(number: int, overrides: Sequence[str], digits: int) -> str:
    """`07_optimizer.lr=0.01_seed=3`: short and safe, whatever the overrides hold.

    Args:
        number: of the job, from 0.
        overrides: what sets the job apart.
        digits: that the largest number has.
    """
    text = re.sub(r"(\d\.\d{4})\d+", r"\1", "_".join(overrides))
    safe = re.sub(r"[^A-Za-z0-9=._+-]+", "-", text).replace("=-", "=").strip("-.")
    return f"{number:0{digits}d}_{safe[:LONGEST]}".rstrip("_-.")


def refuse_wrong_folders(folders: Sequence[str], key: str) -> None:
    """Asks of folders that somebody named that each is one folder's name, and its job's alone.

    Args:
        folders: of the jobs, in order.
        key: that named them.

    Raises:
        ConfigError: naming the first that cannot be one, or that two jobs would have.
    """
    seen: dict[str, int] = {}
    for number, folder in enumerate(folders):
        if folder in TAKEN or len(folder.encode()) > LONGEST_NAME or not _is_name(folder):
            raise ConfigError(
                f"{key} gives job {number} the folder '{folder}', which is not the name of one "
                "folder; type letters, digits, '.', '_', '=', and no '/'"
            )
        if folder in seen:
            raise ConfigError(
                f"{key} gives jobs {seen[folder]} and {number} the same folder '{folder}'; "
                f"type '{key}=…${{hydra.job.num}}'"
            )
        seen[folder] = number


def refuse_unpackable(folders: Sequence[str]) -> None:
    """Of a packed sweep: refuses names that a pack cannot hold, or that a pack itself has.

    Raises:
        ConfigError: naming the first.
    """
    for number, folder in enumerate(folders):
        if len(folder.encode()) > LONGEST_FOLDER or is_pack_name(folder):
            raise ConfigError(
                f"hydra.sweep.subdir gives job {number} the folder '{folder}', and "
                f"sweep.layout=packed takes names of at most {LONGEST_FOLDER} bytes that are not "
                "called as a pack is; type another, or sweep.layout=directories"
            )


def _is_name(folder: str) -> bool:
    return folder.isprintable() and not re.search(r"[/\\]", folder) and folder[0] != "."
