"""A stack gives what its runs give one by one: losses, weights, best epochs and early stops."""

from collections.abc import Mapping
from typing import Any

import pytest
from support.composing import changed, group_by_group
from support.stacked_runs import alone, assert_alike, planned, stacked, variants

from seedbed.components import AllowList
from seedbed.errors import NotAllowedError
from seedbed.training.build_run import build_run

RUNS = 6
"""No list of values below is longer, so that each of them is that of some run."""

OPTIMIZERS: dict[str, tuple[list[str], Mapping[str, list[Any]]]] = {
    "sgd": (["optimizer=sgd"], {}),
    "sgd momentum": (["optimizer=sgd"], {"momentum": [0.5, 0.8, 0.0, 0.6, 0.7]}),
    "sgd nesterov": (
        ["optimizer=sgd", "optimizer.nesterov=true"],
        {"momentum": [0.5, 0.8, 0.3], "weight_decay": [0.0, 0.01, 0.1, 0.02]},
    ),
    "adam": (
        ["optimizer=adam"],
        {
            "betas": [[0.9, 0.999], [0.8, 0.99], [0.85, 0.95]],
            "eps": [1e-8, 1e-6, 1e-4],
            "weight_decay": [0.0, 0.01, 0.1, 0.02],
        },
    ),
    "adamw": (
        ["optimizer=adamw"],
        {"betas": [[0.9, 0.999], [0.8, 0.99]], "weight_decay": [0.01, 0.0, 0.1]},
    ),
    "adamw amsgrad": (
        ["optimizer=adamw", "optimizer.amsgrad=true"],
        {"betas": [[0.9, 0.99], [0.8, 0.9], [0.7, 0.95]], "eps": [1e-8, 1e-6, 1e-5]},
    ),
    "rmsprop": (
        ["optimizer=rmsprop"],
        {"alpha": [0.99, 0.9, 0.95], "eps": [1e-8, 1e-6], "weight_decay": [0.0, 0.01, 0.1]},
    ),
    "rmsprop centered": (
        ["optimizer=rmsprop", "optimizer.centered=true"],
        {"alpha": [0.99, 0.9, 0.95], "momentum": [0.5, 0.0, 0.8], "eps": [1e-6, 1e-5, 1e-4]},
    ),
    "adagrad": (
        ["optimizer=adagrad"],
        {"lr_decay": [0.0, 0.01, 0.1], "weight_decay": [0.0, 0.01, 0.1, 0.02]},
    ),
}
"""Words, and by key the values that the jobs take in turn."""

SCHEDULERS: dict[str, Mapping[str, list[Any]]] = {
    "none": {},
    "step": {"step_size": [1, 2, 3], "gamma": [0.5, 0.1, 0.9, 0.7]},
    "cosine": {"eta_min": [0.0, 1e-5, 1e-4]},
    "onecycle": {"pct_start": [0.3, 0.5, 0.2], "div_factor": [25.0, 10.0]},
    "plateau": {"patience": [1, 2], "factor": [0.5, 0.1, 0.3], "threshold": [1e-4, 0.1]},
}

TRAINER: Mapping[str, list[Any]] = {
    "trainer.epochs": [6, 4, 5, 6, 3, 2],
    "trainer.gradient_clip": [None, 1.0, 0.5, None, 10.0],
    "trainer.early_stopping.patience": [None, 1, 3, None, 2],
    "trainer.early_stopping.min_delta": [0.0, 0.05, 0.2],
}

DATA: dict[str, tuple[list[str], float]] = {
    "rows": (["data=sum"], 0.1),
    "iris": (["data=sklearn", "data.split.validation=0.3", "loader.batch_size=20"], 1.0),
}
"""Words, and what the learning rates below are multiplied with."""

RATES = {"sgd": 0.01, "adagrad": 0.05}
"""Of the others: 0.01; at none of them is the training of either data chaotic."""


def jobs(*in_turn: Mapping[str, list[Any]], number: int = RUNS) -> list[Mapping[str, Any]]:
    turns = {key: values for group in in_turn for key, values in group.items()}
    return [{key: values[n % len(values)] for key, values in turns.items()} for n in range(number)]


def under(group: str, values: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    return {f"{group}.{key}": one for key, one in values.items()}


COMBINATIONS = [
    (optimizer, scheduler)
    for optimizer in OPTIMIZERS
    for scheduler in SCHEDULERS
    if (optimizer, scheduler) != ("adagrad", "onecycle")  # refused, see below
]
MODELS = ["custom", "manual", "sequential"]


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("optimizer", "scheduler"), COMBINATIONS)
def test_a_stack_equals_its_runs(optimizer: str, scheduler: str, model: str) -> None:
    words, numbers = OPTIMIZERS[optimizer]
    # Each pair of an optimizer and a scheduler sees both data.
    turn = COMBINATIONS.index((optimizer, scheduler)) + MODELS.index(model)
    source, scale = DATA[["rows", "iris"][turn % 2]]
    lr = RATES.get(optimizer.partition(" ")[0], 0.01) * scale
    rates = {"lr": [lr * (0.4 + 0.1 * n) for n in range(RUNS)]}
    words = [*words, *source, f"scheduler={scheduler}", f"model={model}"]
    settings = jobs(
        {"seed": list(range(RUNS))},
        TRAINER,
        under("optimizer", {**rates, **numbers}),
        under("scheduler", SCHEDULERS[scheduler]),
    )
    configs = [group_by_group(words, own) for own in settings]
    assert_alike(stacked(configs), [alone(config) for config in configs])


@pytest.mark.parametrize(("optimizer", "scheduler", "model"), [("adam", "plateau", "manual")])
def test_their_configs_are_those_that_are_composed(
    optimizer: str, scheduler: str, model: str
) -> None:
    options = [f"optimizer={optimizer}", f"scheduler={scheduler}", f"model={model}"]
    for words in (source for source, _ in DATA.values()):
        for own in jobs(TRAINER, {"optimizer.lr": [0.5]}):
            config = group_by_group([*words, *options], own)
            assert config.resolved == changed([*words, *options], own).resolved


def test_a_schedule_that_the_optimizer_cannot_follow_is_refused_in_the_same_words() -> None:
    configs = variants(["optimizer=adagrad", "scheduler=onecycle"], [{}, {}])
    for refused in (planned, lambda both: build_run(both[0], AllowList([]))):
        with pytest.raises(NotAllowedError, match="must support momentum or beta1"):
            refused(configs)
