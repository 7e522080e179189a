"""Tasks as an array of SLURM's jobs, or as processes of this machine, both started by submitit.

What submitit knows of a SLURM job it asks of `sacct`, which many clusters do not have; here the
queue is asked instead, at most every few seconds and for all tasks at once.
"""

import contextlib
import io
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from seedbed.config.schema import SlurmConfig
from seedbed.errors import SeedbedError
from seedbed.process.workers import death
from seedbed.runs.files import printable
from seedbed.sweep.clusters import slurm_queue
from seedbed.sweep.clusters.cluster import NO_WORD, Standing
from seedbed.sweep.clusters.durations import minutes
from seedbed.sweep.clusters.task import Origin, origin
from seedbed.sweep.clusters.worker import run_task

INSTALL = "pip install 'seedbed[slurm]'"

REQUEUES = 10_000
"""Times that a task may go back into the queue; it goes on from its checkpoints."""

SIGNAL_SECONDS = 90
"""Before the time limit, in which a task ends its step, saves, and goes back into the queue."""

MINUTE = 60.0
"""Seconds."""

CLOSE_SECONDS = 10.0
"""From how a task ended until its process has."""

LAST_BYTES = 10_000
"""Of what a task printed, in which the last line is looked for."""

MOST_IN_ARRAY = 1000
"""Tasks; SLURM's own bound is 1001 unless its `MaxArraySize` says otherwise."""


class RunTask:
    """`run_task`, as submitit calls it, and calls it again once it was put back into the queue."""

    def __call__(self, folder: str, name: str, where: Origin) -> None:
        """Does a task."""
        run_task(folder, name, where)

    def checkpoint(self, *arguments: Any) -> Any:
        """The same again: the runs themselves know where they are."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, *arguments)


class SubmititCluster:
    """See `Cluster`.

    Args:
        settings: `sweep.slurm`.
        folder: of the tasks.
    """

    def __init__(self, settings: SlurmConfig, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self.slots, self.threads = settings.array_parallelism, settings.cpus
        within = settings.start_within
        self.start_within = None if within is None else minutes(within) * MINUTE
        self._jobs: dict[str, Any] = {}
        self._origin = origin()
        self._is_local = settings.cluster == "local"
        self._asked = 0.0

    def room(self, running: int) -> int:
        """See `Cluster`; the queue takes any number, and this machine so many at a time."""
        return self.slots - running if self._is_local else MOST_IN_ARRAY

    def submit(self, names: Sequence[str]) -> None:
        """See `Cluster`."""
        executor = self._executor()
        # A terminal's Ctrl-C ends an sbatch that waits, but no task.
        ignored = _signals_are_ours() if self._is_local else contextlib.nullcontext()
        with ignored, _told(self.folder):
            with executor.batch():
                jobs = [
                    executor.submit(RunTask(), str(self.folder), name, self._origin)
                    for name in names
                ]
            self._jobs |= zip(names, jobs, strict=True)
        self._asked = 0.0

    def look(self) -> Mapping[str, Standing]:
        """See `Cluster`."""
        if self._is_local:
            return {name: self._of_process(job) for name, job in self._jobs.items()}
        ids = {job.job_id: name for name, job in self._jobs.items()}
        now = time.monotonic()
        if not ids or now < self._asked + slurm_queue.seconds_between(len(ids)):
            return {}
        self._asked = now
        queue = slurm_queue.states(sorted({one.partition("_")[0] for one in ids}))
        if queue is None:  # it does not answer now
            return {}
        return {name: self._of_queue(id_, queue) for id_, name in ids.items()}

    def stop(self, names: Sequence[str]) -> None:
        """See `Cluster`."""
        self._signal(names, signal.SIGTERM)

    def kill(self, names: Sequence[str]) -> None:
        """See `Cluster`; SLURM's own tasks are on their way out since `stop`."""
        self._signal(names, signal.SIGKILL if self._is_local else signal.SIGTERM)

    def close(self, *, wait: bool) -> None:
        """See `Cluster`."""
        until = time.monotonic() + (CLOSE_SECONDS if wait or self._is_local else 0.0)
        while not all(map(self._is_gone, self._jobs.values())) and time.monotonic() < until:
            time.sleep(0.1)
        self._jobs.clear()

    def _is_gone(self, job: Any) -> bool:
        """Whether its process has written all that it writes."""
        if self._is_local:
            return job._process.poll() is not None
        return bool(job.paths.result_pickle.exists())

    def _executor(self) -> Any:
        """submitit's, with what each task asks for."""
        import submitit

        one = self.settings
        time_limit = minutes(one.time)
        delay = min(SIGNAL_SECONDS, time_limit * 60 // 3)
        if self._is_local:
            local = submitit.LocalExecutor(self.folder, REQUEUES, python=one.python)
            local.update_parameters(
                timeout_min=time_limit, signal_delay_s=delay, gpus_per_node=one.gpus
            )
            return local
        executor = submitit.SlurmExecutor(self.folder, REQUEUES, python=one.python)
        asked = {
            "partition": one.partition,
            "mem": one.memory,
            "account": one.account,
            "setup": one.setup or None,
            "gpus_per_node": one.gpus or None,
        }
        executor.update_parameters(
            job_name="seedbed",
            time=time_limit,
            cpus_per_task=one.cpus,
            array_parallelism=one.array_parallelism,
            signal_delay_s=delay,
            additional_parameters={"requeue": True, **(one.extra or {})},
            **{key: value for key, value in asked.items() if value is not None},
        )
        return executor

    def _of_process(self, job: Any) -> Standing:
        """How a process of this machine stands."""
        code = job._process.poll()
        if code is None:
            return Standing("running")
        # submitit's process ends well however the task's own did
        why = death(code) if code else NO_WORD
        return Standing("lost", f"{why}{self._where(job)}")

    def _of_queue(self, id_: str, queue: Mapping[str, tuple[str, str]]) -> Standing:
        """How a job of SLURM's stands."""
        state, line = queue.get(id_, ("", ""))
        if state in slurm_queue.WAITING:
            return Standing(
                "waiting", f"squeue -j {id_} says: {line}; its log will be {self.folder}"
            )
        if state in slurm_queue.RUNNING:
            return Standing("running")
        job = next(job for job in self._jobs.values() if job.job_id == id_)
        why = f"{state}, as SLURM says" if state else "an end that SLURM knows no more of"
        return Standing("lost", f"{why}{self._where(job)}")

    def _where(self, job: Any) -> str:
        """The last line that it printed, and the file that has the others."""
        error = job.paths.stderr
        with suppress(OSError), error.open("rb") as file:
            file.seek(max(0, error.stat().st_size - LAST_BYTES))
            lines = file.read().decode(errors="replace").strip().splitlines()
            if lines:
                return f" ({printable(lines[-1][:200])}; see {error})"
        return f" (see {job.paths.stdout})"

    def _signal(self, names: Sequence[str], number: int) -> None:
        jobs = [self._jobs[name] for name in names if name in self._jobs]
        if not self._is_local:
            slurm_queue.cancel([job.job_id for job in jobs])
            return
        for job in jobs:
            with suppress(OSError):
                if job._process.poll() is None:
                    job._process.send_signal(number)


@contextmanager
def _signals_are_ours() -> Iterator[None]:
    """A terminal's Ctrl-C reaches all its processes; submitit's own are not to hear it."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # in a thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Turns what submitit and sbatch say into one line."""
    import submitit

    try:
        with contextlib.redirect_stderr(io.StringIO()):  # submitit prints it as well
            yield
    except submitit.core.utils.FailedJobError as err:
        said = [line for line in str(err).splitlines() if line.startswith("sbatch: error")]
        why = "; ".join(line.removeprefix("sbatch: error: ") for line in said[-2:]) or str(err)
        raise SeedbedError(f"sbatch does not take the tasks: {why}; see {folder}") from err
    except OSError as err:
        raise SeedbedError(f"the tasks cannot be submitted: {err}; see {folder}") from err
