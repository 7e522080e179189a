"""Runs whose steps are compiled come to the bits of those whose steps are torch's."""

import signal
from typing import Any

import pytest
import torch
from support.compiled_stacks import assert_same_bits, by, jobs
from support.stacked_runs import Kept

from seedbed.fused import engine
from seedbed.fused.compiled.forms import Form
from seedbed.training.interrupt import StopRequest
from seedbed.training.training import Training

IRIS = "data=sklearn data.dataset=iris data.split.validation=0.2 trainer.epochs=3"
DIABETES = "data=sklearn data.dataset=diabetes data.split.validation=0.2 trainer.epochs=3"
SUM = "data=sum trainer.epochs=6"
SMALL = "data=sklearn data.dataset=diabetes data.split.validation=0.7 trainer.epochs=3"

FORMS = {
    "classes, Adam, a smaller last batch": f"{IRIS} model.hidden=[17] loader.batch_size=33 "
    "optimizer=adam optimizer.lr=0.01 model.activation=silu",
    "two layers, decay, each class of one row": f"{IRIS} model.hidden=[8,5] loader.batch_size=1 "
    "model.activation=tanh optimizer=adamw optimizer.weight_decay=0.01 optimizer.amsgrad=true",
    "a mean of squares, momentum": f"{DIABETES} model.hidden=[16] loader.batch_size=50 loss=huber "
    "optimizer=sgd optimizer.lr=0.001 optimizer.momentum=0.9 model.activation=sigmoid",
    "small runs, side by side": f"{SUM} model.hidden=[8] loader.batch_size=2 optimizer.lr=0.001",
    "small runs, Adam, a rate that moves": f"{SMALL} model.hidden=[3,2] loader.batch_size=5 "
    "optimizer=adam optimizer.lr=0.01 scheduler=onecycle model.activation=leaky_relu",
    "small runs, nesterov, decay": f"{SMALL} model.hidden=[5] loader.batch_size=4 loss=l1 "
    "model.activation=elu optimizer=sgd optimizer.lr=0.001 optimizer.momentum=0.5 "
    "optimizer.nesterov=true optimizer.weight_decay=0.1 scheduler=step model=manual",
}
RATES: list[dict[str, Any]] = [{"optimizer.lr": 0.001}, {}, {"optimizer.lr": 0.002}]


@pytest.mark.parametrize("name", FORMS)
def test_bits_are_those_of_torchs_steps(name: str) -> None:
    configs = jobs(FORMS[name], RATES)
    torchs, compiled = by("never", configs), by("always", configs)
    assert not compiled.notes
    assert torchs.steps == 0
    assert compiled.steps > 0
    assert_same_bits(compiled.kept, torchs.kept)


def test_one_library_serves_every_number_of_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    words = FORMS["small runs, side by side"]
    by("always", jobs(words))
    monkeypatch.setenv("CC", "false")  # nothing is compiled any more, and the names are others
    assert by("always", jobs(words, [{}] * 2)).steps == 0
    monkeypatch.delenv("CC")
    monkeypatch.setattr("subprocess.Popen", None)
    configs = jobs(words, [{}] * 40)
    compiled = by("always", configs)
    assert compiled.steps > 0
    assert_same_bits(compiled.kept, by("never", configs).kept)


class Stopping(Kept):
    """Stops once so many steps were made."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.at, self.stop = step, StopRequest()
        self.taken: tuple[list[Any], list[Any]] = ([], [])

    def steps_left(self, step: int) -> int:
        return max(1, self.at - step)

    def step(self, training: Training) -> None:
        if training.progress.step == self.at:
            for slot in range(training.progress.num_active):
                for which, into in zip(("last", "best"), self.taken, strict=True):
                    into.append(training.checkpoint(slot, which))
            self.stop.wish(signal.SIGINT)


@pytest.mark.parametrize("modes", [("always", "never"), ("never", "always")])
def test_stopped_and_resumed_in_either_way(modes: tuple[str, str]) -> None:
    configs = jobs(FORMS["small runs, Adam, a rate that moves"].replace("onecycle", "step"))
    whole = by("never", configs)
    stopping = Stopping(15)
    by(modes[0], configs, recorder=stopping, stop=stopping.stop)
    assert len(stopping.taken[0]) == 3
    resumed = by(modes[1], configs, resumed=stopping.taken)
    for run, weights in whole.kept.weights.items():
        for name, tensor in weights.items():
            assert torch.equal(resumed.kept.weights[run][name], tensor)


def test_runs_that_end_before_the_others_and_diverge() -> None:
    words = f"{SUM} model.hidden=[8] loader.batch_size=2 optimizer.momentum=0.9 trainer.epochs=30"
    settings = [
        {"optimizer.lr": 0.001},
        {"optimizer.lr": 1e4},
        {"trainer.epochs": 9},
        {"optimizer.lr": 0.3},
    ]
    configs = jobs(words, settings)
    torchs, compiled = by("never", configs), by("always", configs)
    assert "diverged" in torchs.kept.status.values()
    assert compiled.steps > 0
    assert_same_bits(compiled.kept, torchs.kept)


def test_what_is_not_known_stays_torchs_and_says_so() -> None:
    configs = jobs(f"{IRIS} model.hidden=[4] model.activation=gelu loader.batch_size=20")
    compiled = by("always", configs)
    assert compiled.steps == 0
    told = "sweep.compile: steps are not compiled: they hold the operation gelu"
    assert set(compiled.notes) == {told}
    clipped = by("always", jobs(f"{IRIS} trainer.gradient_clip=1"))
    assert clipped.notes == ["sweep.compile: steps are not compiled: gradients are clipped"]
    weighted = by("always", jobs(f"{IRIS} loss=cross_entropy loss.class_weights={{setosa:3}}"))
    assert weighted.notes == ["sweep.compile: steps are not compiled: the loss weighs classes"]
    assert by("auto", configs).notes == []


def test_other_bits_are_seen_and_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a processor whose kernels round otherwise."""
    from seedbed.fused.compiled import operations

    text, count = operations.POINTWISE[torch.add]
    monkeypatch.setitem(operations.POINTWISE, torch.add, (f"1.0000001f * ({text})", count))
    configs = jobs(FORMS["small runs, side by side"])
    compiled = by("always", configs)
    assert compiled.steps == 0
    assert compiled.notes == [
        "sweep.compile: steps are not compiled: they come to other bits than torch's here"
    ]
    assert_same_bits(compiled.kept, by("never", configs).kept)


def test_auto_compiles_where_the_steps_to_come_repay_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "cc -DAUTO")  # of another name than what is there already
    few = jobs(f"{SUM} model.hidden=[6] trainer.epochs=5")
    many = jobs(f"{SUM} model.hidden=[6] trainer.epochs=100000")
    assert by("auto", few).steps == 0
    assert by("auto", few).steps == 0
    advance = Form.advance  # on a busy machine the compiler may take longer than all of these steps
    monkeypatch.setattr(Form, "advance", lambda form, **_: advance(form, wait=True))
    stopping = Stopping(200)
    assert by("auto", many, recorder=stopping, stop=stopping.stop).steps > 0


def test_auto_compiles_what_repays_in_several_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "cc -DWANTED")
    monkeypatch.setattr(engine, "COMPILER_SECONDS", 60.0)  # the machine may be a slow one
    configs = jobs(f"{SUM} model.hidden=[7] trainer.epochs=600")  # each would save 0.1 s
    made = [by("auto", configs).steps for _ in range(4)]
    assert made[0] == 0
    assert made[-1] > 1000
    assert sorted(made) == made
