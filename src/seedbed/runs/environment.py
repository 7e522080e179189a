"""What a run was made with: `environment.json`."""

import contextlib
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

LONGEST_DIFF = 200_000
"""Characters; enough for what is being tried out, not for data that was committed."""

GIT = ("git", "-c", "core.fsmonitor=false", "-c", "diff.relative=false")
"""Without the hook that a repository's own config may name, and of all its folders."""

WITHOUT_COMMIT = "(initial)"
"""What git tells in place of a commit where there is none yet."""

PACKAGES = (
    "seedbed",
    "torch",
    "numpy",
    "hydra-core",
    "omegaconf",
    "tensorboard",
    "torchsummary",
    "pyarrow",
    "scikit-learn",
    "protobuf",
)


def environment(
    device: str,
    threads: int,
    arithmetic: Mapping[str, Any],
    code: Mapping[str, str],
) -> dict[str, Any]:
    """The versions, machine and code behind a run.

    Args:
        device: that the run trains on.
        threads: CPU threads of torch.
        arithmetic: what else decides the bits.
        code: digests of the user's own modules.
    """
    return {
        "python": platform.python_version(),
        "packages": {name: installed_version(name) for name in PACKAGES},
        "git": git_state(Path.cwd()),
        "machine": {
            "system": f"{platform.system()} {platform.release()}",
            "processor": platform.machine(),
            "model": _processor(),
            "cores": os.cpu_count(),
        },
        "device": device,
        "threads": threads,
        "arithmetic": dict(arithmetic),
        "data": {},  # the fingerprint of each run's
        "code": dict(code),
        "folder": str(Path.cwd()),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }


def _processor() -> str | None:
    """Its name; libraries choose their kernels by it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or None


def git_state(folder: Path) -> dict[str, Any] | None:
    """The commit of the repository that `folder` is in, and whether it has uncommitted changes."""
    if not _may_be_in_a_repository(folder):
        return None
    shown = _git(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no")
    if shown is None:
        return None
    lines = shown.splitlines()
    told = [line.split()[-1] for line in lines if line.startswith("# branch.oid")]
    commit = next((one for one in told if one != WITHOUT_COMMIT), None)
    dirty = any(not line.startswith("#") for line in lines)
    return {"commit": commit, "dirty": dirty, "diff": _diff(folder) if dirty else None}


def _may_be_in_a_repository(folder: Path) -> bool:
    """Asked first, as a process of git's takes longer than many a run's first step."""
    named = any(name in os.environ for name in ("GIT_DIR", "GIT_WORK_TREE"))
    try:
        return named or any((above / ".git").exists() for above in (folder, *folder.parents))
    except OSError:  # one may not be looked into, or has too long a name; git copes with that
        return True


def _diff(folder: Path) -> str | None:
    """What was not committed, of the files that git tracks."""
    text = _git(folder, "diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv")
    if text is None:
        return None
    more = f"\n… and {len(text) - LONGEST_DIFF} characters more"
    return text if len(text) <= LONGEST_DIFF else text[:LONGEST_DIFF] + more


def _git(folder: Path, *words: str) -> str | None:
    """What git says, or None where there is no repository, or no git."""
    try:
        shown = subprocess.run(
            [*GIT, *words], cwd=folder, capture_output=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return shown.decode(errors="replace")


def installed_version(name: str) -> str | None:
    """The version of a package; None where it is not installed."""
    if name == "torch" and name in sys.modules:  # with its build, such as +cpu, which decides bits
        return str(sys.modules[name].__version__)
    try:
        return version(name)
    except PackageNotFoundError:
        return None
