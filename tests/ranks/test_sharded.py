"""A run whose weights are split over ranks is the run of one process, in each of its files."""

import json
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from support.ranked_runs import (
    MODULE,
    SHARDED,
    AllKinds,
    NotedRows,
    assert_alike,
    fork_always,
    noted,
    on_ranks,
    rank_killed_at,
)
from support.single_runs import Trained, prepared, same_weights, train
from torch import nn

from seedbed.errors import ModelError, RunFailedError
from seedbed.ranks.units import units_of
from seedbed.recording.run import run
from seedbed.runs.directory import RunDirectory, claim, reclaim
from seedbed.training.reporter import Notes, Reporter
from seedbed.training.resume import load_snapshot


@pytest.fixture(autouse=True)
def _forks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    fork_always(monkeypatch)
    yield
    NotedRows.file = None


def own(model: str, *words: str) -> list[str]:
    """Words of a run of a model of this project's tests, on 23 rows."""
    target = f"data.train={{_target_:{MODULE}.NotedRows}}"
    of_model = f"model={{_target_:{MODULE}.{model}}}"
    return ["data=dataset", target, of_model, f"allow=[{MODULE},support]", *words]


ALL_AT_ONCE = [
    *("optimizer=adagrad", "optimizer.weight_decay=0.01", "optimizer.no_decay=true"),
    "optimizer.groups={head:{params:'^last',lr:0.1}}",
    *("trainer.gradient_clip=0.05", "trainer.gradient_clip_value=0.02"),
    *("trainer.select=ema", "trainer.ema_decay=0.5"),
]
"""Adagrad has a state before its first step."""


def test_layers_of_all_kinds_train_as_in_one_process(tmp_path: Path) -> None:
    """The last batch of each epoch has one row for three ranks."""
    words = own("AllKinds", "loader.batch_size=11", "trainer.epochs=2", *ALL_AT_ONCE)
    one = train(tmp_path / "one", *words)
    three = on_ranks(tmp_path / "three", 3, *words, *SHARDED)
    assert_alike(one, three)
    for name in ("last", "best"):
        files = [getattr(of.directory, name) for of in (one, three)]
        held, split = (torch.load(file, weights_only=True) for file in files)
        assert held.keys() == split.keys()
        shapes = [
            {
                key: {name: one.shape for name, one in state.items() if torch.is_tensor(one)}
                for key, state in file["optimizer"]["state"].items()
            }
            for file in (held, split)
        ]
        assert shapes[0] == shapes[1]


@pytest.mark.parametrize("strategy", [["trainer.strategy=ddp"], [*SHARDED]], ids=["ddp", "fsdp"])
def test_layers_that_look_at_all_rows_have_none_of_a_rank_without(
    tmp_path: Path, strategy: list[str]
) -> None:
    """A Dataset's last batch of two rows, for three ranks."""
    words = own("Normalised", "loader.batch_size=3", "trainer.epochs=1")
    one = train(tmp_path / "one", *words)
    heard = Notes()
    _, plan = prepared(*words, *strategy, "trainer.devices=3")
    directory = claim(tmp_path / "three")
    result = run(plan, directory, heard, draw=False)
    assert_alike(one, Trained(plan, result, directory))
    assert heard.notes == []


class StopIn(Reporter):
    """Presses Ctrl-C at the first rank."""

    def __init__(self, epoch: int, batch: int) -> None:
        self.at = (epoch, batch)

    def batch_done(self, epoch: int, batch: int, batches: int) -> None:
        if (epoch, batch) == self.at:
            signal.raise_signal(signal.SIGINT)


def part(
    directory: RunDirectory, words: Sequence[str], file: Path, reporter: Reporter | None = None
) -> dict[str, Any]:
    NotedRows.file = None
    _, plan = prepared(*words)
    NotedRows.file = file
    again = directory if reporter and not directory.last.exists() else reclaim(directory)
    return run(plan, again, reporter, draw=False, resumed=load_snapshot(again))


def test_a_run_goes_on_with_other_ranks_and_strategies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row is read once an epoch, and the end is that of a run that one process made."""
    monkeypatch.setattr("seedbed.training.reporter.REPORT_SECONDS", -1.0)
    adam = ["optimizer=adam", "optimizer.weight_decay=0.01", "trainer.select=ema"]
    words = own("AllKinds", "loader.batch_size=4", "trainer.epochs=3", *adam)
    whole = train(tmp_path / "whole", *words)
    directory, file = claim(tmp_path / "run"), tmp_path / "noted"
    sharded = [*words, *SHARDED]
    part(directory, [*sharded, "trainer.devices=2"], file, StopIn(0, 2))
    part(directory, words, file, StopIn(1, 1))
    ddp = [*words, "trainer.strategy=ddp", "trainer.devices=2"]
    part(directory, ddp, file, StopIn(1, 4))
    result = part(directory, [*sharded, "trainer.devices=3"], file)
    NotedRows.file = None
    assert result["status"] == "completed"
    _, plan = prepared(*words)
    assert_alike(whole, Trained(plan, result, directory))
    assert noted(file) == dict.fromkeys(range(23), 3)
    environment = json.loads(directory.environment.read_text())
    assert (environment["ranks"], environment["ranks_before"]) == (3, [2, 1, 2])


def test_a_rank_that_is_killed_ends_the_run_and_it_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    words = own("Dropping", "loader.batch_size=5", "trainer.epochs=2", *SHARDED)
    words += ["trainer.devices=2", "trainer.checkpoint_every='2 steps'", "optimizer=adam"]
    whole = train(tmp_path / "whole", *words)
    with rank_killed_at(8):
        train(tmp_path / "run", *words)
    directory = reclaim(RunDirectory(tmp_path / "run"))
    snapshot = load_snapshot(directory)
    assert snapshot is not None
    assert snapshot["state"]["step"] == 6
    _, plan = prepared(*words)
    result = run(plan, directory, draw=False, resumed=snapshot)
    last = Trained(plan, result, directory)
    assert last.history == whole.history
    assert same_weights(last.weights, whole.weights)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            own("Routing", "data.split.validation=0.3"),
            "the ranks' rows went through other layers of the model",
        ),
        (own("LookedInto"), "the model takes the weight of a layer without calling the layer"),
    ],
    ids=["other layers", "looked into"],
)
def test_a_model_that_cannot_be_split_is_told(tmp_path: Path, words: list[str], said: str) -> None:
    with pytest.raises((ModelError, RunFailedError), match=said):
        on_ranks(tmp_path, 2, *words, *SHARDED)


REFUSED = {
    "a switch": (
        ["trainer.log_histograms=true"],
        "trainer.log_histograms=true does not go with trainer.strategy=fsdp: it looks at whole",
    ),
    "an optimizer": (
        ["optimizer=adafactor"],
        "optimizer._target_: Adafactor may look at whole parameters, of which a rank has a part",
    ),
    "a hook": (
        own("Hooked"),
        "model: weight has a hook on its gradient, which the parts of it that ranks have",
    ),
    "no strategy": (
        ["trainer.strategy=ddp"],
        "trainer.shard=1 changes nothing but with trainer.strategy=fsdp",
    ),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_parts_of_weights_cannot_do_is_refused(
    words: list[str], said: str, seedbed: Callable
) -> None:
    result = seedbed("validate", *SHARDED, "trainer.devices=2", *words)
    assert (result.code, len(result.errors)) == (2, 1)
    assert result.errors[0].startswith(f"error: {said}")


def names_of(model: nn.Module, least: int) -> list[str]:
    names = {id(one): name for name, one in model.named_modules()}
    return [names[id(one)] for one in units_of(model, least)]


def test_layers_are_gathered_alone_from_a_size_on() -> None:
    """What torch's layers look into is one with them, and what is tied is gathered with both."""
    blocks = [f"blocks.{number}.{layer}" for number in (0, 1) for layer in (0, 3)]
    assert names_of(AllKinds(), 40) == [*blocks, "attention", "gru", "frozen"]
    assert names_of(AllKinds(), 60) == ["blocks.0", "blocks.1", "attention"]
    assert names_of(AllKinds(), 1000) == []
    shared = nn.Linear(3, 3)
    pair = nn.ModuleList([nn.Sequential(shared, nn.Linear(3, 9)), nn.Sequential(shared)])
    assert names_of(nn.Sequential(pair), 13) == ["0.0.1"]
    assert names_of(nn.Sequential(pair), 12) == ["0.0.0", "0.0.1"]
    parametrized = nn.utils.parametrizations.orthogonal(nn.Linear(3, 3))
    assert names_of(nn.Sequential(parametrized), 1) == ["0"]
