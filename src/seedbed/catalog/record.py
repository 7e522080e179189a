"""What a run directory tells of its run, small enough for a table of ten thousand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from seedbed.runs.status import Status

BROKEN = "broken"
"""Status of a folder that begins as a run of ours and cannot be read as one."""

FOREIGN = "foreign"
"""Status of a folder with a run's files, of another program or in an older layout."""

NO_ROW = (BROKEN, FOREIGN, Status.PENDING)
"""Statuses of folders that are counted beside a table; `pending` is one whose run has not begun."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run, as its files stood when they were read.

    Args:
        path: of the run directory, absolute.
        name: of the run directory below the folder that was looked at.
        status: a `Status`, where one that says running is being written now; or one of `NO_ROW`.
        sweep: the directory of the sweep that the run is a job of; None for a single run.
        started: when it began; None where that is not told.
        seconds: of training; of a run that goes on, since it was started.
        epoch: the last that was finished, so far as the files tell.
        epochs: that the config asks for.
        settings: the resolved config: plain values and lists, by dotted key.
        choices: the option that was chosen of each config group, such as `{"model": "custom"}`;
            None for a group that is left out.
        follows: keys of `settings` that are interpolations of other keys.
        metrics: at the end, by name; NaN where one is not defined. Of a run without a result, those
            of its last finished epoch.
        best: `epoch`, and the value of the metric that is monitored, by its name.
        facts: what else the result tells: `task`, `parameters`, `engine`, `device`, `loss`.
        higher_is_better: of metrics that are not Seedbed's, as the result tells; None where it is
            not known.
        tags: words, sorted.
        note: a text; empty for none.
        problem: why it did not complete, or cannot be read; empty for none.
    """

    path: Path
    name: str
    status: str
    sweep: Path | None = None
    started: datetime | None = None
    seconds: float | None = None
    epoch: int | None = None
    epochs: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, str | None] = field(default_factory=dict)
    follows: frozenset[str] = frozenset()
    metrics: Mapping[str, float] = field(default_factory=dict)
    best: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    higher_is_better: Mapping[str, bool | None] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    note: str = ""
    problem: str = ""
