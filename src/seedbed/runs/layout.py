"""The names of the files in a run directory; no other module knows them."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunPaths:
    """Where each file of a run is.

    Args:
        root: the run directory.
    """

    root: Path

    @property
    def hydra(self) -> Path:
        """Folder of the config as Hydra writes it."""
        return self.root / ".hydra"

    @property
    def config(self) -> Path:
        """The resolved config."""
        return self.root / "config.yaml"

    @property
    def status(self) -> Path:
        """How the run stands."""
        return self.root / "status.json"

    @property
    def environment(self) -> Path:
        """What the run was made with."""
        return self.root / "environment.json"

    @property
    def history(self) -> Path:
        """One row an epoch."""
        return self.root / "history.csv"

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.root / "checkpoints"

    @property
    def last(self) -> Path:
        """The newest checkpoint."""
        return self.checkpoints / "last.pt"

    @property
    def best(self) -> Path:
        """The checkpoint of the best epoch."""
        return self.checkpoints / "best.pt"

    @property
    def start(self) -> Path:
        """The starting weights of a module that a Python program built."""
        return self.checkpoints / "start.pt"

    @property
    def model(self) -> Path:
        """The plain CPU `state_dict`."""
        return self.root / "model.pth"

    @property
    def preprocessing(self) -> Path:
        """What was fitted on the training rows."""
        return self.root / "preprocessing.json"

    @property
    def result(self) -> Path:
        """How the run ended, in numbers."""
        return self.root / "result.json"

    @property
    def figure(self) -> Path:
        """The loss curve."""
        return self.root / "loss.png"

    @property
    def log(self) -> Path:
        """What was logged."""
        return self.root / "run.log"

    @property
    def profile(self) -> Path:
        """The time of the first steps by operation, where it was asked for."""
        return self.root / "profile.txt"

    @property
    def trace(self) -> Path:
        """When each operation of these steps ran; Perfetto and TensorBoard's profiler read it."""
        return self.root / "profile.pt.trace.json"

    @property
    def notes(self) -> Path:
        """Tags and a note of the reader's; no run writes it."""
        return self.root / "notes.json"


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
_FILES = frozenset(
    str(path)
    for path in (
        _NAMES.config, _NAMES.status, _NAMES.environment, _NAMES.history, _NAMES.last, _NAMES.best,
        _NAMES.start, _NAMES.model, _NAMES.preprocessing, _NAMES.result, _NAMES.figure, _NAMES.log,
        _NAMES.notes, _NAMES.profile, _NAMES.trace,
    )
)  # fmt: skip
_OF_HYDRA = re.compile(rf"{re.escape(_NAMES.hydra.name)}/[A-Za-z0-9_-]+\.yaml")
_OF_EVENTS = re.compile(rf"{re.escape(EVENT_PREFIX)}\.[A-Za-z0-9_.-]+")


def event_files(names: Iterable[str]) -> list[str]:
    """Those of a run's files that TensorBoard knows as its own."""
    return sorted(name for name in names if name.startswith(f"{EVENT_PREFIX}."))


def is_run_file(name: str) -> bool:
    """Whether a run has a file of the name, which is told below its directory, with `/`."""
    return name in _FILES or bool(_OF_HYDRA.fullmatch(name) or _OF_EVENTS.fullmatch(name))


_BELOW = (_NAMES.hydra.name, _NAMES.checkpoints.name)


def run_and_name(path: Path) -> tuple[str, str, str]:
    """Of a file of a run: where the run's directory is, the name of that, and the file's below it.

    By texts, as tables of runs ask for thousands.
    """
    above, name = os.path.split(path)
    folder, run = os.path.split(above)
    if run in _BELOW:
        name = f"{run}/{name}"
        folder, run = os.path.split(folder)
    return folder, run, name
