"""Jobs of a sweep by another launcher than ours: Seedbed makes them and records how they went.

Hydra's launchers, such as those for joblib and submitit, bring each job to a process where
`launched_job` is called.
"""

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig

from seedbed.compose.compose import from_job
from seedbed.config.overrides import overrides_of
from seedbed.process import signals
from seedbed.raised import reason
from seedbed.runs.starting_file import pinned
from seedbed.runs.status import Status
from seedbed.sweep.job import Job, run_job
from seedbed.sweep.outcome import SweepState
from seedbed.sweep.run import left_to_run

_here: list[int] = []
"""This process, where it launches jobs; one of the launcher's does not know of it."""


def launch(
    launcher: Launcher,
    name: str,
    sweep: SweepState,
    jobs: Sequence[Job],
    error: Callable[[str], object],
) -> None:
    """Lets a launcher run jobs, and records how they end.

    Args:
        launcher: Hydra's.
        name: of its option.
        sweep: its records are changed in place.
        jobs: to be run.
        error: hears why the launcher stopped before its jobs had ended.
    """
    sweep.write_jobs()
    returns: Sequence[JobReturn] = ()
    _here.append(os.getpid())
    with signals.done_at_end(lambda: _stopped(sweep)):
        try:
            returns = launcher.launch([_overrides(job) for job in jobs], initial_job_idx=0)
        except KeyboardInterrupt:
            pass  # how each job stands tells that
        except Exception as err:
            error(f"hydra/launcher={name} stopped with {reason(err)}")
    _record(sweep, returns)


def _stopped(sweep: SweepState) -> None:
    """What is left to do when a signal ends this process: the launcher's own end with it."""
    for file in Path("/proc/self/task").glob("*/children"):
        for child in file.read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGTERM)
    _record(sweep, ())


def _record(sweep: SweepState, returns: Sequence[JobReturn]) -> None:
    left_to_run(sweep)  # notes how each job stands
    _note_errors(sweep, returns)
    sweep.write_jobs()
    sweep.write_table()


def _overrides(job: Job) -> list[str]:
    """Of one job, with the folder that is its own."""
    folders = {"hydra.sweep.dir": str(job.path.parent), "hydra.sweep.subdir": job.path.name}
    return [*job.overrides, *overrides_of(folders)]


def _note_errors(sweep: SweepState, returns: Sequence[JobReturn]) -> None:
    """Of jobs that left nothing on the disk, as they failed before they began."""
    for record, returned in zip(sweep.jobs, returns, strict=False):
        raised = returned._return_value
        if record.status == Status.PENDING and isinstance(raised, Exception):
            record.status, record.error = Status.FAILED, reason(raised)


def launched_job(config: DictConfig) -> dict[str, Any]:
    """One job, in the process that the launcher chose; what goes wrong stays in its directory.

    Args:
        config: of the job, without Hydra's own part.

    Returns:
        Its status and its metrics, for a callback of Hydra's.

    Raises:
        KeyboardInterrupt: if it was interrupted, so that the launcher starts no other.
    """
    in_launchers_process = os.getpid() not in _here
    if in_launchers_process:
        signals.take_over(quiet=True)
    composed = from_job(config)
    number = int(HydraConfig.get().job.num)
    job = Job(number, composed.overrides, composed.directory, pinned(composed.config), {})
    outcome = run_job(job)
    if outcome.status == Status.INTERRUPTED:
        if in_launchers_process:  # it may go on with the next job whatever is raised
            os._exit(signals.exit_code())
        raise KeyboardInterrupt
    return {"status": outcome.status, **(outcome.metrics or {})}
