"""The names of the files in a run directory; no other module knows them."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


class _Below:
    """A file or a folder of a run, by its name below the run directory."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, paths: "RunPaths", _: object) -> Path:
        return paths.root / self.name


@dataclass(frozen=True)
class RunPaths:
    """Where each file of a run is.

    Args:
        root: the run directory.
    """

    root: Path

    hydra = _Below(".hydra")
    """Folder of the config as Hydra writes it."""
    config = _Below("config.yaml")
    """The resolved config."""
    status = _Below("status.json")
    """How the run stands."""
    environment = _Below("environment.json")
    """What the run was made with."""
    history = _Below("history.csv")
    """One row an epoch."""
    checkpoints = _Below("checkpoints")
    """Folder of the checkpoints."""
    last = _Below("checkpoints/last.pt")
    """The newest checkpoint."""
    best = _Below("checkpoints/best.pt")
    """The checkpoint of the best epoch."""
    start = _Below("checkpoints/start.pt")
    """The starting weights of a module that a Python program built."""
    model = _Below("model.pth")
    """The plain CPU `state_dict`."""
    preprocessing = _Below("preprocessing.json")
    """What was fitted on the training rows."""
    result = _Below("result.json")
    """How the run ended, in numbers."""
    figure = _Below("loss.png")
    """The loss curve."""
    log = _Below("run.log")
    """What was logged."""
    profile = _Below("profile.txt")
    """The time of the first steps by operation, where it was asked for."""
    trace = _Below("profile.pt.trace.json")
    """When each operation of these steps ran; Perfetto and TensorBoard's profiler read it."""
    notes = _Below("notes.json")
    """Tags and a note of the reader's; no run writes it."""


LOCK = ".lock"
"""Empty, in run and sweep directories; there only where directories themselves cannot be locked."""

HELD = ".held"
"""Who has locked a directory where files cannot be locked either; there only as long as that."""

SWEEP_TABLE = "results.csv"
SWEEP_JOBS = "sweep.json"
SWEEP_START = "start.pt"
"""The starting weights of a module that a Python program built, the same for all jobs."""

REPORT = "report.html"
"""The page that `seedbed report` writes into the folder that it is of; nothing reads it."""

SWEEP_TASKS = ".tasks"
"""What passes between a sweep and its tasks on a cluster, and what these print, while it runs."""

SWEEP_PROCESS = ".running"
"""Which process runs the sweep, as long as one does."""

SWEEP_CONFIG = "multirun.yaml"
RUN_INDEX = ".seedbed_index"
"""What was read of the runs below a folder; in that folder, and safe to delete."""

EVENT_PREFIX = "events.out.tfevents"
"""How TensorBoard knows its files."""

_NAMES = RunPaths(Path())
_FOLDERS = (_NAMES.hydra.name, _NAMES.checkpoints.name)

RUN_FILES = frozenset(
    one.name
    for one in vars(RunPaths).values()
    if isinstance(one, _Below) and one.name not in _FOLDERS
)
"""Names below a run directory; the others are Hydra's and the event files'."""

_OF_HYDRA = re.compile(rf"{re.escape(_NAMES.hydra.name)}/[A-Za-z0-9_-]+\.yaml")
_OF_EVENTS = re.compile(rf"{re.escape(EVENT_PREFIX)}\.[A-Za-z0-9_.-]+")


def event_files(names: Iterable[str]) -> list[str]:
    """Those of a run's files that TensorBoard knows as its own."""
    return sorted(name for name in names if name.startswith(f"{EVENT_PREFIX}."))


def is_run_file(name: str) -> bool:
    """Whether a run has a file of the name, which is told below its directory, with `/`."""
    return name in RUN_FILES or bool(_OF_HYDRA.fullmatch(name) or _OF_EVENTS.fullmatch(name))


def run_and_name(path: Path) -> tuple[str, str, str]:
    """Of a file of a run: where the run's directory is, the name of that, and the file's below it.

    By texts, as tables of runs ask for thousands.
    """
    above, name = os.path.split(path)
    folder, run = os.path.split(above)
    if run in _FOLDERS:
        name = f"{run}/{name}"
        folder, run = os.path.split(folder)
    return folder, run, name
