"""Both engines, and one that wraps another, by the contract."""

from typing import Any

from support.engine_contract import WORDS, EngineContract
from support.memory_recorder import MemoryRecorder
from support.stacked_runs import planned, variants
from torch import Tensor

from seedbed.components import AllowList
from seedbed.fused.engine import fused_training
from seedbed.training.build_run import build_run
from seedbed.training.engine import Engine
from seedbed.training.interrupt import StopRequest
from seedbed.training.loop import train
from seedbed.training.single import single_training
from seedbed.training.training import Training


def single() -> Training:
    (config,) = variants(WORDS, [{}])
    return single_training(build_run(config, AllowList()))


def fused(runs: int) -> Training:
    rates = [{"optimizer.lr": 0.01 * (1 + run)} for run in range(runs)]
    return fused_training(planned(variants(WORDS, rates)), runs)


class TestSingleEngine(EngineContract):
    def training(self) -> Training:
        return single()


class TestFusedEngine(EngineContract):
    def training(self) -> Training:
        return fused(3)

    def test_selected_runs_go_on_as_before(self) -> None:
        training = self.training()
        with training.engine.settings():
            (losses,) = self.stepped(training, 1)
            training.select([0, 2])
            assert self.slots(training) == 2
            (again,) = self.stepped(training, 1)
            assert again.shape == (2,)
        assert training.progress.runs == [0, 2]
        assert losses.shape == (3,)


class TestFusedEngineOfOneRun(EngineContract):
    """It has two slots, so that the kernels are those of many."""

    def training(self) -> Training:
        return fused(1)


class Counting:
    """An engine of somebody else's: hands all on, and counts the rows that were learnt from."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.rows = engine, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def step(self, x: Tensor, y: Tensor) -> Tensor:
        losses = self.engine.step(x, y)
        self.rows += y.numel()
        return losses


def counting(training: Training) -> Training:
    return Training(Counting(training.engine), training.progress)


class TestEngineThatWrapsAnother(EngineContract):
    def training(self) -> Training:
        return counting(single())

    def test_it_trains_as_the_engine_inside(self) -> None:
        plain, wrapped = MemoryRecorder(), MemoryRecorder()
        train(single(), plain, StopRequest())
        training = self.training()
        train(training, wrapped, StopRequest())
        assert wrapped.runs[0].metrics == plain.runs[0].metrics
        assert training.engine.rows == 4 * 90
