"""What holds of every recorder that keeps runs. A recorder's class of tests inherits this."""

import math
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from support.memory_recorder import Kept
from support.stacked_runs import planned, variants

from seedbed.components import AllowList
from seedbed.fused.engine import fused_training
from seedbed.training.build_run import build_run
from seedbed.training.interrupt import StopRequest
from seedbed.training.loop import train
from seedbed.training.recorder import Forwarding, Recorder
from seedbed.training.run_components import RunComponents
from seedbed.training.single import single_training
from seedbed.training.training import Training

IRIS = ["data=sklearn", "loader.batch_size=30", "trainer.epochs=4", "optimizer.lr=0.05"]


class StopAfter(Forwarding):
    """Asks to stop after a step."""

    def __init__(self, recorder: Recorder, step: int, stop: StopRequest) -> None:
        super().__init__(recorder)
        self.at, self.stop = step, stop

    def step(self, training: Training) -> None:
        super().step(training)
        if training.progress.step == self.at:
            self.stop.wish(signal.SIGINT)


class RecorderContract:
    """A suite for one recorder, each test once with a run by itself and once with three."""

    @pytest.fixture(params=[1, 3], ids=["one run", "three runs"], autouse=True)
    def _number(self, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        self.number, self.folder = request.param, tmp_path

    def recorder(self, plan: RunComponents, runs: int, stop: StopRequest, name: str) -> Recorder:
        """A recorder of runs whose first has this plan; `name` sets it apart in the test."""
        raise NotImplementedError

    def kept(self, recorder: Recorder, run: int) -> Kept:
        """What it kept of a run that ended."""
        raise NotImplementedError

    def trained(
        self,
        words: Sequence[str],
        *,
        stop_after: int = 0,
        resumed: Any = None,
        name: str = "runs",
    ) -> list[Kept]:
        """Trains runs that differ in their rates, and reads back what was kept."""
        rates = [{"optimizer.lr": 0.05 / (1 + run)} for run in range(self.number)]
        if "optimizer.lr=1e30" in words:
            rates = [{} for _ in rates]
        configs = variants([*IRIS, *words], rates)
        if self.number == 1:
            plan = build_run(configs[0], AllowList())
            training = single_training(plan)
        else:
            stack = planned(configs)
            plan, training = stack.first, fused_training(stack, self.number)
        stop = StopRequest()
        recorder = self.recorder(plan, self.number, stop, name)
        if resumed is not None:
            training.restore(*resumed)
        last = resumed[0] if resumed is not None else None
        train(training, StopAfter(recorder, stop_after, stop), stop, last)
        return [self.kept(recorder, run) for run in range(self.number)]

    def test_completed_runs_have_every_epoch_and_their_metrics(self) -> None:
        for run in self.trained([]):
            assert (run.status, run.error) == ("completed", None)
            assert [row["epoch"] for row in run.history] == [1, 2, 3, 4]
            assert run.metrics["train/loss"] == run.history[-1]["train/loss"]
            assert all(math.isfinite(value) for value in run.metrics.values())

    def test_best_checkpoint_matches_best_epoch_and_final_weights(self) -> None:
        for run in self.trained(["trainer.monitor=val/loss"]):
            losses = [row["val/loss"] for row in run.history]
            best = losses.index(min(losses)) + 1
            assert run.best["state"]["best"]["epoch"] == best
            assert run.metrics["val/loss"] == losses[best - 1]
            assert all(torch.equal(run.weights[n], t) for n, t in run.best["model"].items())

    def test_last_checkpoint_is_the_last_epoch_s(self) -> None:
        for run in self.trained([]):
            assert (run.last["state"]["epoch"], run.last["state"]["batch"]) == (4, 0)
            assert run.last["state"]["history"] == run.history

    def test_diverged_runs_say_where_and_keep_finite_weights(self) -> None:
        for run in self.trained(["optimizer.lr=1e30"]):
            assert run.status == "diverged"
            assert " at step " in str(run.error)
            assert all(bool(t.isfinite().all()) for t in run.weights.values())

    def test_interrupted_runs_go_on_from_what_was_kept(self) -> None:
        whole = self.trained([], name="whole")
        cut = self.trained([], stop_after=9, name="cut")
        for run in cut:
            assert run.status == "interrupted"
            assert "after step 9" in str(run.error)
        checkpoints = [[run.last for run in cut], [run.best for run in cut]]
        for before, after in zip(whole, self.trained([], resumed=checkpoints), strict=True):
            assert before.metrics == after.metrics
            assert all(torch.equal(after.weights[n], t) for n, t in before.weights.items())
