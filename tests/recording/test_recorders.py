"""The directory and the memory recorder by the contract, and one of somebody else's."""

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from support.recorder_contract import Kept, RecorderContract
from support.single_runs import prepared

from seedbed.recording.directory import DirectoryRecorder
from seedbed.recording.recorded_run import RecordedRun
from seedbed.runs.directory import claim
from seedbed.training.interrupt import StopRequest
from seedbed.training.loop import train
from seedbed.training.recorder import MemoryRecorder, NullRecorder, Recorder
from seedbed.training.run_components import RunComponents
from seedbed.training.single import single_training
from seedbed.training.training import Training


class TestMemoryRecorder(RecorderContract):
    def recorder(self, plan: RunComponents, runs: int, stop: StopRequest, name: str) -> Recorder:
        return MemoryRecorder()

    def kept(self, recorder: MemoryRecorder, run: int) -> Kept:
        one = recorder.runs[run]
        return Kept(
            one.status, one.error, one.history, one.metrics, one.weights, one.last, one.best
        )


class TestDirectoryRecorder(RecorderContract):
    def recorder(self, plan: RunComponents, runs: int, stop: StopRequest, name: str) -> Recorder:
        recorded = [
            RecordedRun(plan.config, claim(self.folder / name / str(run)), plan.data)
            for run in range(runs)
        ]
        stack = None if runs == 1 else {"group": 1, "K": runs}
        return DirectoryRecorder(plan, recorded, threads=1, stop=stop, stack=stack)

    def kept(self, recorder: DirectoryRecorder, run: int) -> Kept:
        paths = recorder.runs[run].directory
        status = json.loads(paths.status.read_text())
        with paths.history.open(newline="") as file:
            history = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
        return Kept(
            status["status"],
            status["error"],
            history,
            json.loads(paths.result.read_text())["metrics"],
            torch.load(paths.model, weights_only=True),
            torch.load(paths.last, weights_only=True),
            torch.load(paths.best, weights_only=True),
        )


@dataclass
class Losses(NullRecorder):
    """A recorder of somebody else's."""

    losses: list[float] = field(default_factory=list)

    def epoch(self, training: Training) -> None:
        self.losses.append(training.progress.last_row()["train/loss"])


def test_outside_recorder_hears_every_epoch(tmp_path: Path) -> None:
    _, plan = prepared("trainer.epochs=3")
    recorder = Losses()
    train(single_training(plan), recorder, StopRequest())
    assert len(recorder.losses) == 3
    assert recorder.losses[2] < recorder.losses[0]


def test_null_recorder_leaves_the_training_alone(tmp_path: Path) -> None:
    kept, trainings = MemoryRecorder(), []
    for recorder in (kept, NullRecorder()):
        training = single_training(prepared("trainer.epochs=2")[1])
        train(training, recorder, StopRequest())
        trainings.append(training)
    one, other = (training.progress.history.rows(0, 2) for training in trainings)
    assert [row["train/loss"] for row in one] == [row["train/loss"] for row in other]
    assert list(tmp_path.iterdir()) == []


class Careless(NullRecorder):
    """Computes with NumPy what is no number."""

    def step(self, training: Training) -> None:
        np.sqrt(np.array([-1.0]))


def test_numpy_warns_of_what_the_user_s_own_code_computes() -> None:
    _, plan = prepared("trainer.epochs=1")
    with pytest.warns(RuntimeWarning, match="invalid value"):
        train(single_training(plan), Careless(), StopRequest())
