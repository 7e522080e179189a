"""Every module of torch's own list that is stacked gives what it gives alone.

Those that are known to be pure are stacked without a trial, and with their step written out.
"""

from functools import partialmethod
from typing import Any

import pytest
from support.composing import group_by_group
from support.own_parts.around import CELLS, ELSEWHERE, Around, samples, torchs_modules
from support.stacked_runs import alone, assert_alike, planned, stacked, variants

from seedbed.fused.stack_components import StackComponents
from seedbed.fused.stackable import vmap_blocker
from seedbed.fused.trial import found_in_trial
from seedbed.training import pure

IRIS = ["data=sklearn", "data.split.validation=0.2", "loader.batch_size=40", "trainer.epochs=2"]
WORDS = [*IRIS, "optimizer=sgd", "optimizer.momentum=0.9", "allow=[support.own_parts]"]
AROUND = [*WORDS, "model._target_=support.own_parts.around.Around"]
LOSSES = ["data=sklearn", "data.split.validation=0.2", "loader.batch_size=64", "trainer.epochs=2"]

PARTS = 6
"""The list is gone through in parts, which may run side by side."""

SELDOM = {
    "BatchNorm2d": "forward branches on data",
    "BatchNorm3d": "forward branches on data",
    "LPPool1d": "its loss is not finite in the first steps",
}
"""Known layers that some arguments keep from being stacked (`momentum=None`, roots of zero)."""


def jobs(name: str, sample: int) -> list[Any]:
    own = {"model.name": name, "model.sample": sample}
    return [
        group_by_group(AROUND, {**own, "seed": n, "optimizer.lr": 0.01 * (n + 1)}) for n in range(2)
    ]


def told_of(name: str, sample: int, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """Why it is not stacked; None if it is, and gives what it gives alone.

    Raises:
        AssertionError: if it is stacked, and gives something else.
    """
    configs = jobs(name, sample)
    with monkeypatch.context() as patched:
        if name in pure.LAYERS.split():
            patched.setattr(pure, "PURE", pure.PURE | {Around})
            patched.setattr(
                StackComponents,
                "untouched_model",
                partialmethod(StackComponents.untouched_model, written_out=True),
            )
        plan = planned(configs)
        reason = vmap_blocker(plan)
        if reason is None:
            assert plan.model.traced == (name in pure.LAYERS.split())
            assert_alike(stacked(configs, plan), [alone(config) for config in configs])
    return reason


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize("part", range(PARTS))
def test_what_is_stacked_gives_what_it_gives_alone(
    part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = []
    for name in [*torchs_modules(), *ELSEWHERE][part::PARTS]:
        if name.endswith("Loss"):
            continue
        known = name in pure.LAYERS.split()
        number = 1 if name in ELSEWHERE else len(samples(name))
        for sample in range(number):
            try:
                reason = told_of(name, sample, monkeypatch)
            except AssertionError as err:
                wrong.append(f"{name}, sample {sample}: {err}")
                continue
            if reason is not None and known and reason != SELDOM.get(name):
                wrong.append(f"{name}, sample {sample}, is known to be pure, but: {reason}")
    assert not wrong, "\n".join(wrong)


def test_every_listed_layer_is_gone_through() -> None:
    there = {name for name in torchs_modules() if samples(name)} | {*ELSEWHERE, *CELLS}
    assert set(pure.LAYERS.split()) <= there


@pytest.mark.parametrize("kind", CELLS)
def test_recurrent_cells(kind: str) -> None:
    words = [*WORDS, "model._target_=support.own_parts.learning.Cell", f"+model.kind={kind}"]
    configs = variants(words, [{"optimizer.lr": 0.01 * (n + 1)} for n in range(2)])
    assert vmap_blocker(planned(configs)) is None
    assert_alike(stacked(configs), [alone(config) for config in configs])


@pytest.mark.parametrize(
    ("loss", "data"),
    [
        ("BCEWithLogitsLoss", "breast_cancer"),
        ("CrossEntropyLoss", "breast_cancer"),
        ("HingeEmbeddingLoss", "diabetes"),
        ("HuberLoss", "diabetes"),
        ("L1Loss", "diabetes"),
        ("MSELoss", "diabetes"),
        ("NLLLoss", "iris"),
        ("PoissonNLLLoss", "diabetes"),
        ("SmoothL1Loss", "diabetes"),
        ("SoftMarginLoss", "diabetes"),
    ],
)
def test_losses(loss: str, data: str) -> None:
    """Through the short way, and through a trial."""
    options = {"CrossEntropyLoss": ["loss=cross_entropy"], "HuberLoss": ["loss=huber"]}
    named = options.get(loss, [f"loss._target_=torch.nn.{loss}"])
    words = [*LOSSES, f"data.dataset={data}", *named]
    configs = variants(words, [{"optimizer.lr": 0.01 * (n + 1)} for n in range(2)])
    plan = planned(configs)
    assert pure.is_pure_loss(plan.first.head.loss_function)
    assert vmap_blocker(plan) is None
    assert found_in_trial(plan) is None
    assert_alike(stacked(configs, plan), [alone(config) for config in configs])


def test_every_listed_loss_is_gone_through() -> None:
    marks = [one for one in test_losses.pytestmark if one.name == "parametrize"]
    assert {loss for loss, _ in marks[0].args[1]} == set(pure.LOSSES.split())
