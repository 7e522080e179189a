"""Runs in bfloat16 are stacked too, and give what they give one by one, to its rounding."""

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch
from support.stacked_runs import alone, stacked, variants
from support.stacks_by_hand import Stack, mlp
from torch import Tensor, nn

from seedbed.fused.fusion_key import fusion_blocker
from seedbed.fused.program import Program

WORDS = ["optimizer=adam", "trainer.precision=bfloat16", "trainer.epochs=2"]
IRIS = ["data=sklearn", "data.split.validation=0.2", "loader.batch_size=16"]
DIGITS = ["data=sklearn", "data.dataset=digits", "data.split.test=0.6", "loader.batch_size=128"]
IMAGES = (
    "model.layers=[{Unflatten: {dim: 1, unflattened_size: [1, 8, 8]}}, "
    "{Conv2d: {out_channels: 4, kernel_size: 3}}, ReLU, {MaxPool2d: 2}, Flatten, Linear]"
)
RATES: list[dict[str, Any]] = [{"optimizer.lr": 0.002 * (1 + n)} for n in range(4)]
ROUNDING = 2.0**-8


@pytest.mark.parametrize(
    "words",
    [
        [*IRIS, "model=manual", "model.hidden=[32, 8]"],
        [*IRIS, "model.batch_norm=true", "optimizer.eps=1e-3"],
        [*DIGITS, "model=sequential", IMAGES],
        ["model.activation=tanh"],
    ],
    ids=["classes", "batch normalisation", "convolution", "article"],
)
def test_a_stack_equals_its_runs_to_rounding(words: list[str]) -> None:
    configs = variants([*WORDS, *words], RATES)
    kept = stacked(configs)
    for number, config in enumerate(configs):
        run = alone(config)
        rows = zip(kept.history[number], run.history, strict=True)
        for found, wanted in rows:
            assert found["train/loss"] == pytest.approx(wanted["train/loss"], rel=4 * ROUNDING)
        for name, weights in run.weights.items():
            found = kept.weights[number][name]
            assert found.dtype == weights.dtype
            assert float((found - weights).abs().max()) < 0.02, name  # of a few rates


def test_it_is_not_float32_under_another_name() -> None:
    rounded, plain = (
        stacked(variants([*WORDS, *IRIS, f"trainer.precision={name}"], RATES))
        for name in ("bfloat16", "float32")
    )
    assert rounded.history[0][0]["train/loss"] != plain.history[0][0]["train/loss"]
    assert rounded.history[0][0]["train/loss"] == pytest.approx(
        plain.history[0][0]["train/loss"], rel=0.05
    )


def gradients(stack: Stack, given: list[Tensor]) -> Tensor:
    with torch.no_grad():
        return stack.model.gradient(given[0], {}, *given[1:])[0].clone()


def test_products_are_done_in_it_and_nothing_is_allocated_anew() -> None:
    net = mlp(64, [128, 32], 10)
    stack = Stack(net, nn.CrossEntropyLoss(), 4, 32, torch.bfloat16)
    given = stack.arguments(3)
    found = gradients(stack, given)
    (program,) = stack.model.written.functions.values()
    assert isinstance(program, Program)
    factors = [one for node, one in program.values.items() if "to_copy" in node.name]
    assert {one.tensor.dtype for one in factors} == {torch.bfloat16, torch.float32}
    assert sum(one.slot is not None for one in factors) <= 1  # of x, which moves
    wanted = gradients(Stack(net, nn.CrossEntropyLoss(), 4, 32), given)
    apart = (found - wanted).abs().max() / wanted.abs().max()
    assert 0 < float(apart) < 8 * ROUNDING


def test_a_job_is_reproduced_in_its_sweep_and_out_of_it(seedbed: Callable[..., Any]) -> None:
    words = [*WORDS, *IRIS, "trainer.epochs=20", "seed=range(0,4)", "hydra.sweep.dir=sweep"]
    assert seedbed("train", "-m", *words, "sweep.fuse=always").code == 0
    answer = json.loads(seedbed("reproduce", "sweep/1_seed=1", "--json").out)
    assert (answer["identical_in_its_stack"], answer["alike_on_its_own"]) == (True, True)
    shutil.move("sweep/1_seed=1", "moved")
    told = seedbed("reproduce", "moved", "--json")
    answer = json.loads(told.out)
    assert (told.code, answer["identical"], answer["differences"]) == (2, None, [])


def test_float16_scales_each_run_s_loss_and_stays_alone() -> None:
    (half,) = variants(["trainer.precision=float16"], [{}])
    (rounded,) = variants(["trainer.precision=bfloat16"], [{}])
    assert fusion_blocker(half) == "trainer.precision=float16"
    assert fusion_blocker(rounded) is None
