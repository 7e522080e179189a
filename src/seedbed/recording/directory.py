"""Leaves a complete run directory for every run in training; what runs share is made once.

A run by itself is followed live: its history, its curves and its log are there as it goes. Runs of
a stack are written at checkpoints and at their end.
"""

import logging
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

from seedbed.errors import RunDirectoryError, RunTakenError, SeedbedError
from seedbed.process.fork_map import fork_map
from seedbed.raised import reason
from seedbed.recording.archives import archive
from seedbed.recording.checkpoint_files import CheckpointFiles
from seedbed.recording.event_files import (
    EventFiles,
    endings,
    epoch_is_logged,
    picture_record,
    result_records,
)
from seedbed.recording.model_events import ModelEvents
from seedbed.recording.ours import Ours
from seedbed.recording.recorded_run import RecordedRun
from seedbed.recording.results import closing_text, history_text, loss_picture, result_of
from seedbed.recording.run_log import RunLog
from seedbed.recording.shared_files import SharedFiles
from seedbed.runs.checkpoint import Checkpoint
from seedbed.runs.files import json_text
from seedbed.runs.moment import Moment
from seedbed.runs.run_files import Collected
from seedbed.runs.status import Status
from seedbed.runs.yaml_text import yaml_text
from seedbed.training.interrupt import StopRequest
from seedbed.training.interval import parsed_interval
from seedbed.training.progress import Progress
from seedbed.training.run_components import RunComponents
from seedbed.training.state import HistoryRow
from seedbed.training.training import Ended, EndedRun, Training

log = logging.getLogger("seedbed")

LIVE_SECONDS = 1.0
"""How old the curves and `history.csv` may be while a run goes on by itself."""


class DirectoryRecorder:
    """See `Recorder`. As a context, it keeps statuses true where training raises.

    Args:
        plan: of the first run.
        runs: in the order of the training; those that are None are trained, and not written.
        threads: of the CPU that they are trained with.
        stack: what `result.json` says of runs that are trained together, beside the engine's name;
            None for a run by itself.
        stop: whether the user asked to stop.
        in_parallel: whether a fork may write some of the files.
        before: called with the number of each run as its files are begun, perhaps in another
            process.
    """

    def __init__(
        self,
        plan: RunComponents,
        runs: Sequence[RecordedRun | None],
        *,
        threads: int,
        stop: StopRequest,
        stack: Mapping[str, Any] | None = None,
        in_parallel: bool = False,
        before: Callable[[int], None] = lambda number: None,
    ) -> None:
        self.plan = plan
        self.runs = {number: run for number, run in enumerate(runs) if run is not None}
        self.stack = stack
        self.stop = stop
        self.in_parallel = in_parallel
        self.before = before
        directories = {number: run.directory for number, run in self.runs.items()}
        self.events = EventFiles(directories)
        self.log = RunLog(directories, plan, live=stack is None, size=len(runs))
        self.shared = SharedFiles(
            plan, threads, [run.config.resolved for run in self.runs.values()]
        )
        self.ours = Ours(self.runs)
        self.checkpoints = CheckpointFiles(self.ours, self.events, alone=stack is None)
        self.model_events = ModelEvents(plan)
        self.stores = list({id(one.files): one.files for one in directories.values()}.values())
        self._log_interval = parsed_interval(plan.config.trainer.log_every)
        self._followed = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, err: BaseException | None, trace: object) -> None:
        """Says in every run that has not ended why it has not."""
        left = {n: run for n, run in self.runs.items() if run.result is None}
        try:
            if err is not None:
                self._failed(left, err)
        finally:
            for run in left.values():
                run.directory.release()

    def _failed(self, left: Mapping[int, RecordedRun], err: BaseException) -> None:
        left = self.ours.not_taken(left)
        if self.stack is None and left:
            log.error("".join(traceback.format_exception(err)))
        # What is interrupted may raise anything: an import does, and so do a loader's workers.
        told = isinstance(err, KeyboardInterrupt | RunTakenError)
        stopped = told or (self.stop.requested and not isinstance(err, SeedbedError))
        now = Moment()
        for number, run in left.items():
            with suppress(RunDirectoryError, ValueError):  # the disk may be what failed
                self.events.end(number, endings()[False])
            with suppress(RunDirectoryError):
                run.directory.write_status(
                    Status.INTERRUPTED if stopped else Status.FAILED, reason(err), now
                )
        if left:
            with suppress(RunDirectoryError):
                self._commit()
        if stopped and not told:
            raise KeyboardInterrupt from err

    def begin(self, training: Training, resumed: Sequence[Checkpoint] | None) -> None:
        """See `Recorder`."""
        if resumed is None:
            self.events.begin([run.config.resolved for run in self.runs.values()])
        for number, run in self.runs.items():
            # Here, as later ones are names of the first; and so that all say when they started.
            run.directory.write_status(Status.RUNNING)
            self.shared.write(run.directory, run.data)
            if resumed is not None:
                self.events.go_on(number, resumed[number])
                run.has_last = True
                if run.directory.files.read(run.directory.best) is not None:
                    run.saved_best = int(training.progress.best.copied_at[number])

        def begin_one(number: int) -> Collected:
            run = self.runs[number]
            files = run.directory.files
            with files.collecting() as collected:
                self.before(number)
                files.make_folder(run.directory.checkpoints)
                if resumed is None:
                    self.events.write_start(number)
                # Last: where there is a config, a run that was killed finds all that it needs.
                config = yaml_text(dict(run.config.resolved))
                files.write(run.directory.config, config.encode())
            return collected

        self._commit()
        numbers = list(self.runs)
        for number, some in zip(
            numbers, fork_map(numbers, begin_one, fork=self.in_parallel), strict=True
        ):
            self.runs[number].directory.files.take(some)
        self._commit()
        if resumed is None:
            self.events.started()
        if self.stack is None and not training.progress.step:
            for event in self.model_events.graph():
                self.events.add_event(0, **event)
        self.log.begin()

    def steps_left(self, step: int) -> int:
        """See `Recorder`."""
        return self._log_interval.steps_left(step)

    def _commit(self) -> None:
        for files in self.stores:
            files.commit()

    def step(self, training: Training) -> None:
        """See `Recorder`."""
        self.ours.beat()
        interval, progress = self._log_interval, training.progress
        if interval.unit != "epochs" and interval.after_step(progress.step):
            means = progress.train_means()["train/loss"]
            for slot, number in enumerate(progress.runs):
                if number in self.runs:
                    self.events.add_step(number, progress.step, float(means[slot]))
            self._follow(training)

    def epoch(self, training: Training) -> None:
        """See `Recorder`."""
        progress = training.progress
        self.ours.beat()
        if self.stack is None:
            self.log.epoch(progress)
            self._add_histograms(progress)
            self._follow(training)

    def _add_histograms(self, progress: Progress) -> None:
        trainer, epoch = self.plan.config.trainer, progress.epoch
        if trainer.log_histograms and epoch_is_logged(self._log_interval, epoch, trainer.epochs):
            for event in self.model_events.histograms(progress.step):
                self.events.add_event(0, **event)

    def _follow(self, training: Training) -> None:
        """Writes what somebody sees who looks at a run that goes on."""
        if self.stack is not None:
            return
        if time.monotonic() - self._followed > LIVE_SECONDS:
            self.events.add_points(training.progress, [0])
            self.events.flush([0])
            self._write_history(self.runs[0], training.progress.rows(0))
            self._followed = time.monotonic()

    def _write_history(self, run: RecordedRun, rows: Sequence[HistoryRow]) -> None:
        text = history_text(rows, self.plan.metric_names)
        run.directory.files.write(run.directory.history, text.encode())

    def save(self, training: Training) -> None:
        """See `Recorder`; on the disk together, but for runs that have diverged."""
        progress = training.progress
        slots = [
            slot
            for slot, number in enumerate(progress.runs)
            if number in self.runs and number not in progress.diverged
        ]
        with self.ours.written(progress.runs[slot] for slot in slots):
            self.events.add_points(progress, slots)
            self.events.flush(progress.runs[slot] for slot in slots)
            self.checkpoints.save(training, slots)

    def ended(self, training: Training, ended: Ended) -> None:
        """See `Recorder`."""
        progress = training.progress
        ours = [one for one in ended.runs if progress.runs[one.slot] in self.runs]
        with self.ours.written([progress.runs[one.slot] for one in ours]):
            self._write_ends(training, ended, ours)
        for one in ours:
            self.runs[progress.runs[one.slot]].directory.release()

    def _write_ends(self, training: Training, ended: Ended, ours: Sequence[EndedRun]) -> None:
        """Writes the last files of runs, and keeps their results."""
        progress = training.progress
        self.events.add_points(progress, [one.slot for one in ours])
        said, now = endings(), Moment()
        numbers = result_records(
            [progress.steps_of(one.slot) for one in ours], [one.measured.metrics for one in ours]
        )

        def end_one(index: int) -> tuple[dict[str, Any], Collected]:
            one = ours[index]
            ending = numbers[index] + said[one.status == Status.COMPLETED]
            with self.runs[progress.runs[one.slot]].directory.files.collecting() as collected:
                result = self._end(training, ended, one, ending, now)
            return result, collected

        self._commit()
        results = fork_map(range(len(ours)), end_one, fork=self.in_parallel)
        for one, (result, collected) in zip(ours, results, strict=True):
            run = self.runs[progress.runs[one.slot]]
            run.directory.files.take(collected)
            run.result = result
        self._commit()

    def _end(
        self, training: Training, ended: Ended, one: EndedRun, ending: bytes, now: Moment
    ) -> dict[str, Any]:
        """Writes a run's last files; the content of `result.json`."""
        progress, number = training.progress, training.progress.runs[one.slot]
        run, rows = self.runs[number], progress.rows(one.slot)
        if run.draw and (picture := loss_picture(rows)) is not None:
            run.directory.files.write(run.directory.figure, picture.png)
            ending = picture_record(picture, int(rows[-1]["step"])) + ending
        self.events.end(number, ending)  # first: a checkpoint tells how much of it there is
        self.checkpoints.end(training, one.slot)
        weights = training.engine.state_dict(one.slot, ended.weights)
        files = run.directory.files
        files.write(run.directory.model, archive(weights), flush=self.stack is None)
        self._write_history(run, rows)
        engine = {"engine": training.engine.name, **(self.stack or {})}
        result = result_of(self.plan, run.config, one, progress, engine)
        files.write(run.directory.result, f"{json_text(result)}\n".encode())
        epochs = progress.configs[one.slot].trainer.epochs
        self.log.ended(number, closing_text(result, epochs), one, progress.undefined.get(number))
        run.directory.write_status(one.status, one.error, now if self.stack is not None else None)
        return result

    def note(self, text: str) -> None:
        """See `Recorder`."""
        self.log.note(text)
