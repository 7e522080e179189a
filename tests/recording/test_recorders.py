"""The directory and the memory recorder by the contract, and one of somebody else's."""

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.memory_recorder import Kept, MemoryRecorder
from support.recorder_contract import RecorderContract
from support.single_runs import prepared

from seedbed.recording.directory import DirectoryRecorder
from seedbed.recording.recorded_run import RecordedRun
from seedbed.runs.directory import begun_in_pack, claim
from seedbed.runs.moment import Moment
from seedbed.runs.pack_writer import PackWriter
from seedbed.runs.reader import read_json
from seedbed.runs.stored import open_stored
from seedbed.training.interrupt import StopRequest
from seedbed.training.loop import train
from seedbed.training.recorder import NullRecorder, Recorder
from seedbed.training.run_components import RunComponents
from seedbed.training.single import single_training
from seedbed.training.training import Training


class TestMemoryRecorder(RecorderContract):
    def recorder(self, plan: RunComponents, runs: int, stop: StopRequest, name: str) -> Recorder:
        return MemoryRecorder()

    def kept(self, recorder: MemoryRecorder, run: int) -> Kept:
        return recorder.runs[run]


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

        def weights(path: Path) -> Any:
            with open_stored(path) as file:
                return torch.load(io.BytesIO(file.read()), weights_only=True)

        status = read_json(paths.status)
        with open_stored(paths.history) as file:
            lines = file.read().decode().splitlines()
            history = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(lines)]
        return Kept(
            status["status"],
            status["error"],
            history,
            read_json(paths.result)["metrics"],
            weights(paths.model),
            weights(paths.last),
            weights(paths.best),
        )


class TestPackedRecorder(TestDirectoryRecorder):
    """Runs that are recorded in a pack, which stays open: what was committed can be read."""

    def recorder(self, plan: RunComponents, runs: int, stop: StopRequest, name: str) -> Recorder:
        (self.folder / name).mkdir()
        pack, now = PackWriter(self.folder / name, 1), Moment()
        recorded = [
            RecordedRun(
                plan.config, begun_in_pack(self.folder / name / str(run), pack, now), plan.data
            )
            for run in range(runs)
        ]
        stack = {"group": 1, "K": runs}
        return DirectoryRecorder(plan, recorded, threads=1, stop=stop, stack=stack)


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
