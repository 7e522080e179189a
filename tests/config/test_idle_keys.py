"""Typed keys that change nothing are refused or told; and they do change nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

LAYERS = ["model=sequential", "model.layers=[{Linear: 8}, ReLU, Linear]"]
REFUSED = ["model.hidden=[5]", "model.activation=tanh", "model.bias=false", "preset.hidden=[5]"]
ONE_CYCLE = "scheduler=onecycle"
CYCLIC = [
    "scheduler._target_=torch.optim.lr_scheduler.CyclicLR",
    "+scheduler.base_lr=0.01",
    "+scheduler.max_lr=0.1",
]
TOLD = [
    ("trainer.early_stopping.min_delta=0.5", [], "trainer.early_stopping.patience is null"),
    ("optimizer.dampening=0.5", [], "optimizer.momentum is 0"),
    ("data.split.seed=5", [], "data.split.validation and data.split.test take no rows"),
    ("data.split.stratify=false", [], "data.split.validation and data.split.test take no rows"),
    ("preset.epochs=5", ["trainer.epochs=2"], "trainer.epochs is set by itself"),
    ("preset.hidden=[5]", ["model.hidden=[3]"], "model.hidden is set by itself"),
    ("preset.batch_size=3", ["loader.batch_size=4"], "loader.batch_size is set by itself"),
    ("preset.patience=1", ["trainer.early_stopping=9"], "trainer.early_stopping.patience is set"),
    ("optimizer.lr=0.5", [ONE_CYCLE, "scheduler.max_lr=0.1"], "every rate from scheduler.max_lr"),
    ("optimizer.momentum=0.5", [ONE_CYCLE], "the scheduler moves the momentum by itself"),
    ("optimizer.momentum=0.5", [ONE_CYCLE, "optimizer=rmsprop"], "moves the momentum by itself"),
    ("optimizer.betas=[0.5,0.999]", [ONE_CYCLE, "optimizer=adam"], "by its first number"),
    ("optimizer.lr=0.5", CYCLIC, "every rate from scheduler.max_lr"),
    ("optimizer.momentum=0.5", CYCLIC, "the scheduler moves the momentum by itself"),
]


@pytest.mark.parametrize("word", REFUSED)
def test_what_a_list_of_layers_has_no_use_for_is_refused(seedbed: Callable, word: str) -> None:
    result = seedbed("train", *LAYERS, word)
    assert result.code == 2
    assert result.err == (
        f"error: {word} changes nothing beside model.layers, which lists every layer; "
        "leave one of the two out\n"
    )
    assert not Path("outputs").exists()


def test_so_is_a_sweep_of_it(seedbed: Callable) -> None:
    result = seedbed("train", "-m", *LAYERS, "model.hidden=[5],[6]", "seed=1,2")
    assert (result.code, len(result.errors)) == (2, 2)
    assert "model.hidden=[6] changes nothing beside model.layers" in result.errors[1]
    assert not Path("outputs").exists()


@pytest.mark.parametrize(("word", "others", "reason"), TOLD)
def test_what_waits_for_another_key_is_told(
    seedbed: Callable, word: str, others: list[str], reason: str
) -> None:
    result = seedbed("validate", *others, word)
    assert result.code == 0
    (note,) = [line for line in result.out.splitlines() if "changes nothing" in line]
    assert note.startswith(f"note: {word} changes nothing")
    assert reason in note


@pytest.mark.parametrize(
    ("word", "others", "reason"),
    [
        ("sweep.compile=always", ["sweep.fuse=never"], "with sweep.fuse=never"),
        ("sweep.allow_random=True", ["sweep.fuse=never"], "with sweep.fuse=never"),
        ("sweep.slurm.partition=cpu", [], "but with sweep.executor=submitit"),
        ("sweep.slurm.time=10", ["sweep.fuse=auto"], "but with sweep.executor=submitit"),
        ("sweep.ray.cpus=2", [], "but with sweep.executor=ray"),
    ],
)
def test_what_waits_for_another_key_of_the_sweep_is_told_once(
    seedbed: Callable, word: str, others: list[str], reason: str
) -> None:
    result = seedbed("validate", "-m", "seed=1,2", *others, word)
    assert result.code == 0
    (note,) = [line for line in result.out.splitlines() if "changes nothing" in line]
    assert note.startswith(f"note: {word} changes nothing {reason}")


@pytest.mark.parametrize(("word", "others", "reason"), TOLD)
def test_it_changes_no_bit_of_the_weights(
    seedbed: Callable, word: str, others: list[str], reason: str
) -> None:
    """The rule is held against training itself."""
    weights = []
    for number, overrides in enumerate([[*others], [*others, word]]):
        run = Path(f"run{number}")
        settings = [f"hydra.run.dir={run}", *overrides]
        assert seedbed("train", "trainer.epochs=2", *settings).code == 0
        weights.append((run / "model.pth").read_bytes())
    assert weights[0] == weights[1]


USED = [
    ["model.hidden=[5]"],
    ["optimizer.momentum=0.9", "optimizer.dampening=0.5"],
    ["trainer.early_stopping.patience=3", "trainer.early_stopping.min_delta=0.5"],
    ["data.split.validation=0.25", "data.split.seed=5"],
    ["preset.epochs=5"],
    ["preset.hidden=[5]"],
    ["preset.patience=5"],
    [ONE_CYCLE, "optimizer.lr=0.5"],
    [ONE_CYCLE, "optimizer.dampening=0.5"],
    [*CYCLIC, "optimizer.dampening=0.5"],
    [*CYCLIC, "+scheduler.cycle_momentum=false", "optimizer.momentum=0.5"],
    ["model.hidden=[${preset.hidden.0},3]", "preset.hidden=[5]"],
    [
        "model=sequential",
        "model.layers=[{Linear: '${model.hidden.0}'}, Linear]",
        "model.hidden=[5]",
    ],
    [
        "model=sequential",
        "model.layers=[{Linear: '${oc.select:model.hidden.0,1}'}, Linear]",
        "preset.hidden=[5]",
    ],
    [
        "scheduler=step",
        "scheduler.step_size=${preset.epochs}",
        "preset.epochs=5",
        "trainer.epochs=9",
    ],
]


@pytest.mark.parametrize("words", USED, ids=" ".join)
def test_nothing_is_said_of_keys_that_are_used(seedbed: Callable, words: list[str]) -> None:
    result = seedbed("validate", *words)
    assert (result.code, "changes nothing" in result.out) == (0, False)


def test_classes_of_ones_own_use_their_keys_as_they_like(
    seedbed: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_net.py").write_text(
        "from torch import nn\n\n\nclass Net(nn.Sequential):\n"
        "    def __init__(self, in_features, out_features, hidden, layers):\n"
        "        super().__init__(nn.Linear(in_features, layers + hidden[0]),\n"
        "                         nn.Linear(layers + hidden[0], out_features))\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    words = ["model=sequential", "model._target_=own_net.Net", "allow=[own_net]"]
    result = seedbed("validate", *words, "model.layers=3", "model.hidden=[2]")
    assert result.code == 0, result.err
    assert "changes nothing" not in result.out
