"""Kinds of models, data and batches: a stack gives what its runs give one by one."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.stacked_runs import (
    Kept,
    alone,
    assert_alike,
    assert_same_weights,
    planned,
    singly,
    stacked,
    train_stack,
    variants,
    write_module,
)

from seedbed.fused import stack_components, step, written_steps

RATES: list[dict[str, Any]] = [{"optimizer.lr": 0.002 * (1 + n)} for n in range(8)]
"""Of eight jobs, for Adam."""

IRIS = ["data=sklearn", "data.split.validation=0.2", "loader.batch_size=16", "trainer.epochs=3"]
DIGITS = ["data=sklearn", "data.dataset=digits", "data.split.test=0.6", "trainer.epochs=1"]

MINE = '''
import torch
from torch import nn


class Frozen(nn.Module):
    """Its first layer is not learnt."""

    def __init__(self, in_features, out_features):
        super().__init__()
        self.first = nn.Linear(in_features, 8)
        self.last = nn.Linear(8, out_features)
        self.scale = nn.Parameter(torch.tensor(1.5))
        self.register_buffer("shift", torch.full((8,), 0.1))
        self.register_buffer("unsaved", torch.ones(8), persistent=False)
        self.first.requires_grad_(False)

    def forward(self, x):
        return self.last(torch.tanh(self.first(x)) * self.unsaved + self.shift) * self.scale


class Tied(nn.Module):
    """One layer under two names."""

    def __init__(self, in_features, out_features):
        super().__init__()
        self.first = nn.Linear(in_features, 6)
        self.one = nn.Linear(6, 6)
        self.other = self.one
        self.last = nn.Linear(6, out_features)

    def forward(self, x):
        return self.last(torch.tanh(self.other(torch.tanh(self.one(self.first(x))))))


class Convolution(nn.Module):
    """Takes rows of 64 numbers for images."""

    def __init__(self, out_features):
        super().__init__()
        self.seen = nn.Conv2d(1, 4, 3, stride=2)
        self.norm = nn.BatchNorm2d(4)
        self.last = nn.Linear(36, out_features)

    def forward(self, x):
        images = x.reshape(-1, 1, 8, 8)
        return self.last(torch.relu(self.norm(self.seen(images))).flatten(1))


class Hidden(nn.Module):
    """Gives what it found beside its answer."""

    def __init__(self, in_features, out_features):
        super().__init__()
        self.first = nn.Linear(in_features, 8)
        self.last = nn.Linear(8, out_features)

    def forward(self, x):
        hidden = torch.tanh(self.first(x))
        return self.last(hidden), hidden, {"norm": hidden.norm()}
'''


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of the user's, outside the package."""
    write_module(tmp_path, "my_nets", MINE, monkeypatch)


def check(words: list[str], settings: list[dict[str, Any]] | None = None, **common: Any) -> Kept:
    """Trains both ways, and compares; with Adam, at different rates and clippings."""
    configs = variants(["optimizer=adam", *words], settings or RATES, **common)
    kept = stacked(configs)
    assert_alike(kept, [alone(config) for config in configs])
    return kept


def test_run_directories_of_single_runs_say_the_same(tmp_path: Path) -> None:
    """The comparisons here leave the directories out; once, they are read back."""
    jobs = [[*IRIS, f"optimizer.lr={lr}", f"seed={seed}"] for seed, lr in enumerate((0.1, 0.01))]
    configs = [one for words in jobs for one in variants(words, [{}], seeds=False)]
    assert_alike(stacked(configs), singly(tmp_path, jobs))


def test_batch_normalisation_keeps_each_run_s_statistics() -> None:
    # The biases before it have no gradient but rounding, which Adam blows up where eps is less.
    kept = check([*IRIS, "model.batch_norm=true", "optimizer.eps=1e-3"])
    weights = kept.weights[0]
    assert int(weights["hidden_layer_norm.num_batches_tracked"]) > 0
    assert not torch.equal(
        weights["hidden_layer_norm.running_mean"], kept.weights[1]["hidden_layer_norm.running_mean"]
    )


def test_a_convolution_from_a_list_of_layers() -> None:
    layers = (
        "[{Unflatten: {dim: 1, unflattened_size: [1, 8, 8]}},"
        "{Conv2d: {out_channels: 4, kernel_size: 3}}, ReLU, {MaxPool2d: 2}, Flatten, Linear]"
    )
    words = [*DIGITS, "loader.batch_size=128", "model=sequential", f"model.layers={layers}"]
    check(words, RATES[:4])


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize("model", ["Convolution", "Frozen", "Tied", "Hidden"])
def test_a_model_of_the_user_s(model: str) -> None:
    data = [*DIGITS, "loader.batch_size=128"] if model == "Convolution" else IRIS
    words = ["allow=[my_nets]", f"model._target_=my_nets.{model}", "optimizer.weight_decay=0.1"]
    check([*words, *data], RATES[:4])


@pytest.mark.usefixtures("mine")
def test_weights_that_are_not_learnt_stay_and_are_saved() -> None:
    kept = check([*IRIS, "allow=[my_nets]", "model._target_=my_nets.Frozen"], RATES[:3])
    start = planned(
        variants([*IRIS, "allow=[my_nets]", "model._target_=my_nets.Frozen"], RATES[:3])
    )
    for run, weights in kept.weights.items():
        assert torch.equal(weights["first.weight"], start.buffers["first.weight"][run])
        assert "unsaved" not in weights


@pytest.mark.parametrize("model", ["custom", "manual", "sequential"])
def test_a_forward_that_returns_its_hidden_values_too(model: str) -> None:
    kept = check([*IRIS, f"model={model}", "model.return_hidden=true"])
    plain = stacked(variants([*IRIS, "optimizer=adam", f"model={model}"], RATES))
    for run, weights in kept.weights.items():
        assert all(torch.equal(one, plain.weights[run][name]) for name, one in weights.items())


@pytest.mark.parametrize(
    "words",
    [
        ["loader.shuffle=false"],
        ["loader=full_batch"],
        ["loader.drop_last=true"],
        ["loader.batch_size=23"],
        ["loader.batch_size=1000"],
        ["trainer.select=last"],
        ["trainer.monitor=val/accuracy"],
        ["trainer.monitor=val/auroc", "scheduler=plateau", "scheduler.patience=1"],
        ["model.hidden=[8, 6, 5]", "model.activation=gelu"],
        ["data.split.test=0.0"],
    ],
    ids=" ".join,
)
def test_batches_and_settings(words: list[str]) -> None:
    check([*IRIS, "loader.batch_size=16", *words], RATES[:4])


def test_runs_of_one_seed_start_alike_and_part() -> None:
    seeds = [{**one, "seed": n // 3} for n, one in enumerate(RATES)]
    check(IRIS, seeds)
    check(IRIS, [{**one, "seed": 4} for one in RATES])


def test_the_same_job_twice_gives_the_same_bits_twice() -> None:
    kept = stacked(variants(IRIS, [{}, {}, {}, {"seed": 1}], seeds=False))
    assert all(torch.equal(one, kept.weights[2][name]) for name, one in kept.weights[0].items())


def test_each_seed_has_rows_of_its_own_where_the_split_is_drawn() -> None:
    plan = planned(variants(IRIS, RATES))
    assert not plan.batches.table.shared
    assert len({id(one) for one in plan.data}) == len(RATES)
    check([*IRIS, "data.split.test=0.3"])


def test_standardized_targets_are_measured_in_their_own_unit() -> None:
    words = ["data=sklearn", "data.dataset=diabetes", "loader.batch_size=64", "trainer.epochs=3"]
    kept = check([*words, "trainer.gradient_clip=0.5"])
    assert kept.metrics[0]["val/mse"] > 500  # of a measure of the disease from 25 to 346


@pytest.mark.parametrize("loss", ["bce", "cross_entropy"])
def test_two_classes_with_clipping(loss: str) -> None:
    words = ["data=sklearn", "data.dataset=breast_cancer", "loader.batch_size=64"]
    clips = [
        {**one, "trainer.gradient_clip": [None, 0.1, 1.0][n % 3]} for n, one in enumerate(RATES)
    ]
    check([*words, f"loss={loss}", "trainer.epochs=3"], clips)


def test_classes_with_label_smoothing() -> None:
    check([*IRIS, "loss=cross_entropy", "loss.label_smoothing=0.2"])


@pytest.mark.parametrize("loss", ["l1", "huber"])
def test_other_losses(loss: str) -> None:
    check([f"loss={loss}", "trainer.epochs=5"])


def test_a_schedule_that_moves_momentum_too() -> None:
    cyclic = ["scheduler._target_=torch.optim.lr_scheduler.CyclicLR", "+scheduler.base_lr=1e-4"]
    cyclic += [
        "+scheduler.max_lr=1e-3",
        "+scheduler.step_size_up=3",
        "+scheduler.base_momentum=0.0",
    ]
    words = ["optimizer=sgd", "optimizer.momentum=0.9", "trainer.epochs=6", *cyclic]
    check(words, [{"scheduler.max_lr": 1e-3 * (1 + n)} for n in range(4)])


def test_many_steps_on_the_article_s_rows() -> None:
    """Enough of them for the step to be written out."""
    configs = variants(["trainer.epochs=220"], [{"optimizer.lr": 1e-4 * (n + 1)} for n in range(8)])
    plan, kept = planned(configs), Kept()
    assert plan.model.traced
    train_stack(plan, len(configs), kept)
    assert_alike(kept, [alone(config) for config in configs])


def as_vmap_has_it(*args: Any, **named: Any) -> step.StackedModel:
    return step.StackedModel(*args, **{**named, "written_out": False})


@pytest.mark.parametrize(
    "words",
    [[], ["model=manual"], ["model.batch_norm=true"], ["model.return_hidden=true"]],
    ids=["plain", "manual", "batch_norm", "return_hidden"],
)
def test_a_step_that_is_written_out_gives_the_same_bits(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With batches of two sizes, and runs that leave; by faster operations up to rounding."""
    settings = [{**one, "trainer.epochs": 1 + n % 3} for n, one in enumerate(RATES)]
    configs = variants([*IRIS, "optimizer=adam", *words], settings)
    assert planned(configs).model.traced
    faster = stacked(configs)
    with monkeypatch.context() as patched:
        patched.setattr(written_steps, "faster", lambda written, *_, **__: written)
        written = stacked(configs)
    monkeypatch.setattr(stack_components, "StackedModel", as_vmap_has_it)
    assert not planned(configs).model.traced
    plain = stacked(configs)
    for run, weights in plain.weights.items():
        assert all(torch.equal(one, written.weights[run][name]) for name, one in weights.items())
        assert_same_weights(faster.weights[run], weights, 1e-4, f"run {run}")
