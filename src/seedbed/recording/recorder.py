"""Writes down a run as it goes: history, TensorBoard, checkpoints, and the result at its end."""

import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, Self

from seedbed.errors import RunDirectoryError
from seedbed.process.torch_private import graph_of
from seedbed.recording.events import EventFile, hparams_of, shows_rate
from seedbed.recording.results import Ending, Measured, draw_loss, history_text, result_of
from seedbed.runs import checkpoint
from seedbed.runs.checkpoint import Snapshot, copied, random_state
from seedbed.runs.directory import RunDirectory, Status
from seedbed.runs.files import write_json, write_text, writing
from seedbed.training.interval import parsed_interval
from seedbed.training.other_generators import others_state
from seedbed.training.plan import Plan, metric_names
from seedbed.training.state import HistoryRow, TrainingState

HISTORY_SECONDS = 1.0
"""How old `history.csv` may be while the run goes on."""


class Recorder:
    """Keeps one run's directory.

    Args:
        plan: what is trained.
        plain: the resolved config.
        directory: claimed for this run.
        resumed: the checkpoint that the run goes on from.
    """

    def __init__(
        self,
        plan: Plan,
        plain: Mapping[str, Any],
        directory: RunDirectory,
        resumed: Snapshot | None = None,
    ) -> None:
        self.plan = plan
        self.plain = plain
        self.directory = directory
        with writing(directory.checkpoints):
            directory.checkpoints.mkdir(exist_ok=True)
        self.events = EventFile(directory.root, resumed["events"] if resumed else None)
        if resumed is None:
            # With its folder: the jobs of two sweeps have the same names.
            name = "/".join(directory.root.resolve().parts[-2:])
            self.events.start_session(hparams_of(plain), name)
        if plan.config.trainer.log_histograms:
            import_module("torch.utils.tensorboard.summary")  # before the clock starts
        self.log_interval = parsed_interval(plan.config.trainer.log_every)
        self.save_interval = parsed_interval(plan.config.trainer.checkpoint_every)
        # Going on from a stack's checkpoint gives the bits of neither engine alone.
        self.engine = {"engine": (resumed or {}).get("engine", "single")}
        self.good: Snapshot | None = None
        self.has_last = resumed is not None
        self._saved_good: Snapshot | None = None
        self._history_written = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """A run that raised is told to TensorBoard as failed."""
        if kind is not None:
            with suppress(RunDirectoryError, ValueError):  # a full disk, or a file closed already
                self.events.end_session(succeeded=False)
            with suppress(RunDirectoryError):
                self.events.close()

    def step_done(self, state: TrainingState) -> None:
        """After each step: a point of the loss and a checkpoint that holds it, where due."""
        if self.log_interval.unit != "epochs" and self.log_interval.after_step(state.step):
            self.plan.engine.settle(state)
            mean = state.loss_sum / (state.rows_seen or 1)
            self.events.scalars(state.step, {"train/running_loss": mean})
        if self.save_interval.unit != "epochs" and self.save_interval.after_step(state.step):
            self.plan.engine.settle(state)
            self.plan.engine.check_weights(state)
            self.save_last(state)

    def epoch_done(self, state: TrainingState, row: HistoryRow, *, is_best: bool) -> None:
        """After each epoch."""
        if is_best:
            self.good = self.snapshot(state, into=self.good)
        last = state.epoch == self.plan.config.trainer.epochs
        if self.log_interval.unit != "epochs" or self.log_interval.after_epoch(state.epoch) or last:
            points = {tag: value for tag, value in row.items() if "/" in tag}
            if shows_rate(self.plan.config.scheduler):
                points["train/lr"] = row["lr"]
            self.events.scalars(state.step, points)
            if self.plan.config.trainer.log_histograms:
                self._histograms(state.step)
        if self.save_interval.after_epoch(state.epoch):
            self.save_last(state)
        if time.monotonic() - self._history_written > HISTORY_SECONDS:
            self.write_history(state)

    def snapshot(self, state: TrainingState, into: Snapshot | None = None) -> Snapshot:
        """All that resuming needs, copied; `into` as in `checkpoint.copied`."""
        before = into or {}
        engine = self.plan.engine
        scheduler = engine.schedule.scheduler
        loss = engine.head.state
        others = others_state() if self.plan.packages else {}
        own = {"loss": copied(loss, before.get("loss"))} if loss else {}
        return {
            "format": checkpoint.FORMAT,
            **own,
            "model": copied(self.plan.model.state_dict(), before.get("model")),
            "optimizer": copied(engine.optimizer.state_dict(), before.get("optimizer")),
            "scheduler": copied(scheduler.state_dict()) if scheduler is not None else None,
            "scaler": engine.scaler.state_dict(),
            "random": {**random_state(engine.device), **others},
            "state": state.to_plain(),
            **self.engine,
        }

    def save_last(self, state: TrainingState) -> None:
        """Writes both checkpoints."""
        # The best first: killed in between, the run makes it again on its way from the last.
        self.save_best()
        snapshot = {**self.snapshot(state), "events": self.events.size()}
        checkpoint.save(self.directory.last, snapshot)
        self.has_last = True

    def save_best(self) -> None:
        """Writes the best epoch's checkpoint, if it is newer than the one on disk."""
        if self.good is not self._saved_good:
            checkpoint.save(self.directory.best, self.good)
            self._saved_good = self.good

    def write_history(self, state: TrainingState) -> None:
        """Writes `history.csv` as far as it goes."""
        write_text(self.directory.history, history_text(state.history, metric_names(self.plan)))
        self._history_written = time.monotonic()

    def finish(
        self,
        status: Status,
        state: TrainingState,
        measured: Measured,
        seconds: float,
        error: str | None = None,
    ) -> dict[str, Any]:
        """Writes what a run leaves at its end; the content of `result.json`."""
        self.write_history(state)
        ending = Ending(status, measured, state.best, state.epoch, state.step, seconds, error)
        result = result_of(self.plan, self.plain, ending, self.engine)
        write_json(self.directory.result, result)
        self.events.results(state.step, measured.metrics)
        self.events.end_session(succeeded=status == "completed")
        self.events.close()
        self.directory.write_status(status, error)
        return result

    def draw(self, state: TrainingState) -> None:
        """Writes `loss.png`, and the same picture for TensorBoard."""
        draw_loss(state.history, self.directory, self.events)

    def _histograms(self, step: int) -> None:
        from torch.utils.tensorboard.summary import histogram

        for name, tensor in self.plan.model.named_parameters():
            values = tensor.detach().cpu().numpy()
            self.events.summary(histogram(f"weights/{name}", values, "auto"), step)

    def write_graph(self) -> None:
        """Traces the model on one row, for TensorBoard's GRAPHS.

        A model that cannot be traced has none; the run goes on.
        """
        x, _ = next(iter(self.plan.train.epoch(0)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch deprecates tracing, all that GRAPHS can show
            try:
                graph = graph_of(self.plan.model, x[:1])
            except RuntimeError:
                return
        self.events.graph(graph)
