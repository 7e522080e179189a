"""Averages of weights: torch's own over 50 steps, measured and kept, in one run and in a stack."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.command_line import Command
from support.compiled_stacks import by
from support.resumed_runs import assert_run_goes_on, assert_stack_goes_on
from support.stacked_runs import (
    Stopping,
    alone,
    assert_alike,
    going_on,
    planned,
    stacked,
    train_stack,
    variants,
)
from torch import Tensor, nn
from torch.optim.swa_utils import (
    AveragedModel,
    get_ema_multi_avg_fn,
    get_swa_multi_avg_fn,
    update_bn,
)

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig, TrainerConfig
from seedbed.errors import CheckpointError
from seedbed.fused.averaging import StackedAverage, averaged
from seedbed.training.averaging import Average, load_average
from seedbed.training.build_run import build_run
from seedbed.training.single import SingleEngine

WINE = ["data=sklearn", "data.dataset=wine", "data.split={validation:0.2,test:0.2}"]
WORDS = [*WINE, "loader.batch_size=20", "optimizer.lr=0.05", "optimizer.momentum=0.9"]
WORDS += ["trainer.epochs=4"]
KINDS: dict[str, dict[str, Any]] = {
    "ema": {"trainer.select": "ema", "trainer.ema_decay": 0.8},
    "swa": {"trainer.select": "swa", "trainer.swa_start": 0.5},
}


def of(*settings: dict[str, Any], **common: Any) -> list[RunConfig]:
    return variants(WORDS, settings, **{"seeds": False, **common})


def trainer(kind: str, **own: Any) -> TrainerConfig:
    (config,) = of({**KINDS[kind], **own})
    return config.trainer


def torchs(kind: str, model: nn.Module, decay: float) -> AveragedModel:
    function = get_ema_multi_avg_fn(decay) if kind == "ema" else get_swa_multi_avg_fn()
    return AveragedModel(model, multi_avg_fn=function)


@pytest.mark.parametrize("kind", KINDS)
def test_averages_of_fifty_steps_are_torchs(kind: str) -> None:
    """In float64; an epoch is a step for those of epochs, of which the first 10 are left out."""
    drawn = torch.Generator().manual_seed(0)
    decays, model = [0.8, 0.999], nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)).double()
    own = {"trainer.swa_start": 10, "trainer.epochs": 50}
    trainers = [trainer(kind, **own, **{"trainer.ema_decay": decay}) for decay in decays]
    average = Average(model, trainers[0], lambda: None)
    oracles = [torchs(kind, model, decay) for decay in decays]
    flat = nn.utils.parameters_to_vector
    rows = flat(model.parameters()).detach().repeat(2, 1)
    together = StackedAverage(trainers, rows, np.zeros(2, dtype=np.int64))
    for step in range(1, 51):
        with torch.no_grad():
            for one in model.parameters():
                one += torch.randn(one.shape, generator=drawn, dtype=one.dtype)
        weights = flat(model.parameters()).detach().repeat(2, 1)
        for each in (average.after_update, average.after_epoch):
            each(*([step] if each == average.after_epoch else []))
        together.after_update(weights)
        together.after_epoch(weights, step)
        if kind == "ema" or step > 10:
            for oracle in oracles:
                oracle.update_parameters(model)
    found = averaged(weights, together.rows, together.counts)
    for row, oracle in zip(found, oracles, strict=True):
        torch.testing.assert_close(row, flat(oracle.parameters()), rtol=1e-12, atol=1e-12)
    with average.in_place():
        now, expected = (flat(one.parameters()) for one in (model, oracles[0]))
        torch.testing.assert_close(now, expected, rtol=1e-12, atol=1e-12)
    assert torch.equal(flat(model.parameters()), weights[0])


def by_hand(config: RunConfig, kind: str) -> tuple[dict[str, Tensor], list[float]]:
    """The weights that the run ends with, and the loss of each epoch: with torch's own averages."""
    plan = build_run(config, AllowList())
    engine = SingleEngine(plan)
    engine.average = None
    oracle, losses = torchs(kind, plan.model, config.trainer.ema_decay), []
    for epoch in range(config.trainer.epochs):
        for x, y in plan.train.epoch(epoch):
            engine.step(x, y)
            if kind == "ema":
                oracle.update_parameters(plan.model)
        if kind == "swa" and epoch >= 2:
            oracle.update_parameters(plan.model)
        shown: nn.Module = plan.model
        if kind == "ema" or epoch >= 2:
            shown = copy.deepcopy(oracle.module)
            if kind == "swa":
                update_bn(plan.train.epoch(0), shown)
        (x, y) = next(iter(plan.splits["validation"].epoch(0)))
        with torch.no_grad():
            losses.append(float(plan.head.loss(shown.eval()(x), y)))
        plan.model.train()
    return shown.state_dict(), losses


@pytest.mark.parametrize("batch_norm", [False, True], ids=["plain", "batch norm"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_measures_and_keeps_the_average(kind: str, *, batch_norm: bool) -> None:
    config, last = of(
        {**KINDS[kind], "model.batch_norm": batch_norm},
        {"trainer.select": "last", "model.batch_norm": batch_norm},
    )
    run, other = alone(config), alone(last)
    weights, losses = by_hand(config, kind)
    for name, tensor in run.weights.items():
        torch.testing.assert_close(tensor, weights[name], rtol=1e-6, atol=1e-7)
    assert [row["val/loss"] for row in run.history] == pytest.approx(losses, rel=1e-5)
    assert run.metrics["val/loss"] == pytest.approx(losses[-1], rel=1e-5)
    assert [row["train/loss"] for row in run.history] == [
        row["train/loss"] for row in other.history
    ]
    assert any(not torch.equal(one, other.weights[name]) for name, one in run.weights.items())


@pytest.mark.parametrize("batch_norm", [False, True], ids=["plain", "batch norm"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_stack_gives_what_its_runs_give(kind: str, *, batch_norm: bool) -> None:
    """Runs of several lengths, so that slots are taken by others as they end."""
    if batch_norm and kind == "swa":
        (config,) = of({**KINDS[kind], "model.batch_norm": True})
        with pytest.raises(Exception, match="batch statistics anew"):
            planned([config, config])
        return
    own: list[dict[str, Any]] = [
        {"trainer.ema_decay": 0.5, "trainer.epochs": 2, "trainer.swa_start": 1},
        {"trainer.ema_decay": 0.9, "trainer.epochs": 5},
        {"trainer.early_stopping.patience": 1, "optimizer.lr": 0.9},
        {"trainer.swa_start": 3},
    ]
    common = {**KINDS[kind], "model.batch_norm": batch_norm}
    configs = of(*({**common, **one} for one in own), seeds=True)
    assert_alike(stacked(configs), [alone(config) for config in configs])


@pytest.mark.parametrize("step", [7, 18], ids=["within an epoch", "at its end"])
@pytest.mark.parametrize("kind", KINDS)
def test_stopped_runs_go_on_to_the_same_bits(kind: str, step: int) -> None:
    configs = of(KINDS[kind], {**KINDS[kind], "trainer.ema_decay": 0.99}, seeds=True)
    assert_stack_goes_on(configs, step)
    assert_run_goes_on(configs[0], step)


def test_a_run_goes_on_from_a_stack_s_checkpoint() -> None:
    configs = of(KINDS["ema"], KINDS["ema"], seeds=True)
    stopping = Stopping(7, copy.deepcopy)
    train_stack(planned(configs), 2, stopping, stopping.stop)
    (last, _), (best, _) = stopping.taken
    rest = going_on(build_run(configs[0], AllowList()), last, best)
    for name, tensor in alone(configs[0]).weights.items():
        torch.testing.assert_close(tensor, rest.weights[name], rtol=1e-4, atol=1e-5)


def test_a_diverged_run_ends_with_the_average_of_its_best_epoch() -> None:
    config, fine = of({**KINDS["ema"], "optimizer.lr": 1e18}, KINDS["ema"])
    kept, run = stacked([config, fine]), alone(config)
    assert run.status == "diverged"
    assert_alike(kept, [run, alone(fine)])


def test_the_best_checkpoint_is_opened_with_its_average(seedbed: Command, tmp_path: Path) -> None:
    words = [*WORDS, "trainer.select=ema", "trainer.ema_decay=0.8", "hydra.run.dir=run"]
    assert seedbed("train", *words).code == 0
    last = torch.load("run/checkpoints/last.pt", weights_only=True)
    model = torch.load("run/model.pth", weights_only=True)
    for name, tensor in last["average"]["weights"].items():
        assert torch.equal(tensor, model[name])
        assert not torch.equal(tensor, last["model"][name])
    assert seedbed("reproduce", "run").code == 0
    assert seedbed("resume", "run", "trainer.epochs=6").code == 0


STRANGE = {
    "no mapping": [1],
    "no count": {"weights": {}},
    "a count that is a text": {"count": "1", "weights": {}},
    "less than none": {"count": -1, "weights": {}},
    "no weights": {"count": 1, "weights": {}},
    "a number": {"count": 1, "weights": {"weight": 1.0, "bias": 1.0}},
    "another shape": {"count": 1, "weights": {"weight": torch.ones(1), "bias": torch.ones(2)}},
}


@pytest.mark.parametrize("state", STRANGE.values(), ids=STRANGE.keys())
def test_a_strange_average_is_refused(state: Any) -> None:
    model = nn.Linear(3, 2)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(CheckpointError, match="is damaged"):
        load_average(model, state, Path("last.pt"))
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())


WRONG = {
    "decay of 1": (["trainer.select=ema", "trainer.ema_decay=1"], "> 0 and < 1"),
    "decay below 0": (["trainer.select=ema", "trainer.ema_decay=-0.1"], "> 0 and < 1"),
    "start after the end": (
        ["trainer.select=swa", "trainer.swa_start=50"], "type trainer.swa_start=0.75",
    ),
    "no such choice": (["trainer.select=emma"], "did you mean 'ema'?"),
    "another name": (["trainer.swa_epoch_start=5"], "did you mean 'trainer.swa_start'?"),
}  # fmt: skip


@pytest.mark.parametrize(("words", "told"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_told(seedbed: Command, words: list[str], told: str) -> None:
    result = seedbed("validate", *words)
    (error,) = result.errors
    assert result.code == 2
    assert told in error


@pytest.mark.parametrize("key", ["ema_decay=0.9", "swa_start=3"])
def test_keys_that_change_nothing_are_told(seedbed: Command, key: str) -> None:
    result = seedbed("validate", f"trainer.{key}")
    assert result.code == 0
    assert f"trainer.{key} changes nothing but with trainer.select=" in result.out


def test_compiled_steps_are_averaged_one_by_one() -> None:
    own = [{**KINDS["ema"], "optimizer.lr": rate} for rate in (0.05, 0.02, 0.01)]
    configs = of(*own, seeds=True)
    torchs_own, compiled = (by(mode, configs) for mode in ("never", "always"))
    assert compiled.steps > 0
    for number, weights in torchs_own.kept.weights.items():
        for name, tensor in weights.items():
            assert torch.equal(tensor, compiled.kept.weights[number][name])
