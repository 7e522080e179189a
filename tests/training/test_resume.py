"""A run that was stopped goes on to the bits of the run that never was."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.single_runs import Trained, prepared, same_weights, train
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor
from torch.utils.data import Dataset

from seedbed.api.more_epochs import raised
from seedbed.recording.run import run
from seedbed.runs.directory import claim, reclaim
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_config
from seedbed.training.reporter import Reporter
from seedbed.training.resume import load_snapshot

WINE = ["data=sklearn", "data.dataset=wine", "loader.batch_size=16", "trainer.epochs=6"]
SGD = ["optimizer.momentum=0.9", "optimizer.lr=0.01"]
EARLY = ["optimizer.momentum=0.9", "optimizer.lr=0.5"]
PLATEAU = ["scheduler.patience=0"]
KINDS = {
    "custom": [*SGD, "model.dropout=0.3", "model.batch_norm=true", "scheduler=cosine"],
    "manual": [*SGD, "model=manual", "model.start=xavier", "scheduler=plateau", *PLATEAU],
    "sequential": ["model=sequential", "optimizer=adamw", "scheduler=onecycle"],
    "step": ["optimizer=rmsprop", "scheduler=step", "scheduler.step_size=2"],
    "steps logged": [*SGD, "trainer.log_every='3 steps'", "trainer.gradient_clip=0.5"],
    "early stopping": [*EARLY, "trainer.early_stopping=2", "trainer.epochs=30"],
}


class Stop(Reporter):
    """Presses Ctrl-C at the first step after some epochs."""

    def __init__(self, after: int) -> None:
        self.after = after

    def batch_done(self, epoch: int, batch: int, batches: int) -> None:
        if epoch == self.after:
            signal.raise_signal(signal.SIGINT)


def every_step_reported(*args: Any, **named: Any) -> dict[str, Any]:
    """As `run`, whose reporter hears of steps a few times a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("seedbed.training.reporter.REPORT_SECONDS", -1.0)
        return run(*args, **named)


def stopped(path: Path, words: list[str], after: int) -> Trained:
    _, plan = prepared(*words)
    directory = claim(path)
    result = every_step_reported(plan, directory, Stop(after), draw=False)
    directory.release()
    return Trained(plan, result, directory)


def resumed(paths: RunPaths, words: list[str], reporter: Reporter | None = None) -> Trained:
    _, plan = prepared(*words)
    directory = reclaim(paths)
    snapshot = load_snapshot(paths)
    args = (plan, directory, reporter)
    result = every_step_reported(*args, draw=False, resumed=snapshot)
    directory.release()
    return Trained(plan, result, directory)


def scalars(paths: RunPaths) -> dict[str, list[tuple[int, float]]]:
    events = EventAccumulator(str(paths.root), size_guidance={"scalars": 0})
    events.Reload()
    tags = events.Tags()["scalars"]
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in tags}


def assert_same(one: Trained, other: Trained) -> None:
    assert one.history == other.history
    assert same_weights(one.weights, other.weights)
    assert scalars(one.directory) == scalars(other.directory)
    for key in ("status", "metrics", "best", "epochs", "steps"):
        assert one.result[key] == other.result[key]


@pytest.mark.parametrize("words", KINDS.values(), ids=KINDS.keys())
def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path: Path, words: list[str]) -> None:
    words = [*WINE, *words]
    whole = train(tmp_path / "whole", *words)
    first = stopped(tmp_path / "run", words, after=2)
    assert first.result["status"] == "interrupted"
    assert first.result["steps"] % 8, "it stopped between two epochs, not within one"
    second = resumed(first.directory, words, Stop(4))
    last = resumed(second.directory, words)
    assert last.result["status"] == "completed"
    assert_same(whole, last)
    assert len(list((tmp_path / "run").glob("events.out.tfevents.*"))) == 1


def test_a_run_without_a_checkpoint_begins_anew_in_its_directory(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", *WINE)
    first = stopped(tmp_path / "run", WINE, after=1)
    first.directory.last.unlink()
    assert_same(whole, resumed(first.directory, WINE))


@pytest.mark.parametrize("workers", [0, 2])
def test_rows_in_memory_go_on_with_any_number_of_workers(tmp_path: Path, workers: int) -> None:
    words = [*WINE, "model.dropout=0.2", "trainer.epochs=3"]
    whole = train(tmp_path / "whole", *words, "loader.num_workers=0")
    words = [*words, f"loader.num_workers={workers}"]
    assert_same(whole, resumed(stopped(tmp_path / "run", words, after=1).directory, words))


class NoisyPoints(Dataset[tuple[Tensor, Tensor]]):
    """Whose target is noise, drawn anew whenever a row is read."""

    def __len__(self) -> int:
        return 24

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return torch.tensor([index / 24, 1.0]), torch.randn(())


@pytest.mark.parametrize("workers", [0, 2])
def test_a_users_dataset_goes_on_with_any_number_of_workers(
    tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", sys.path.copy())
    target = f"{{_target_:{__name__}.NoisyPoints}}"
    words = ["data=dataset", f"data.train={target}", f"allow=[{__name__}]"]
    words += ["loader.batch_size=5", "trainer.epochs=4"]
    whole = train(tmp_path / "whole", *words)
    assert len(set(whole.history["train/loss"])) == 4
    words = [*words, f"loader.num_workers={workers}"]
    assert_same(whole, resumed(stopped(tmp_path / "run", words, after=1).directory, words))


def test_a_run_goes_on_without_the_workers_that_it_had(tmp_path: Path, seedbed: Callable) -> None:
    words = [*WINE, "trainer.epochs=3", "loader.num_workers=1"]
    whole = train(tmp_path / "whole", *words)
    asked = ["loader.persistent_workers=true", "loader.prefetch_factor=3"]
    stopped(tmp_path / "run", [*words, *asked], after=1)
    assert seedbed("resume", "run", "loader.num_workers=0").code == 0
    run = RunPaths(tmp_path / "run")
    assert same_weights(whole.weights, torch.load(run.model, weights_only=True))
    loader = read_config(run)["loader"]
    assert (loader["num_workers"], loader["persistent_workers"]) == (0, None)
    assert seedbed("reproduce", "run").out.splitlines()[-1] == "identical"


def test_the_order_of_what_is_asked_for_does_not_matter() -> None:
    config = {"trainer": {"epochs": 2, "strategy": None, "devices": None}}
    assert not raised(config, ["trainer.devices=2", "trainer.strategy=ddp"])
    assert config["trainer"] == {"epochs": 2, "strategy": "ddp", "devices": 2}


def test_more_epochs_can_be_asked_for(tmp_path: Path, seedbed: Callable) -> None:
    whole = train(tmp_path / "whole", *WINE)
    seedbed("train", *WINE, "trainer.epochs=3", "hydra.run.dir=run")
    again = seedbed("resume", "run", "trainer.epochs=6")
    assert (again.code, again.out.splitlines()[-1]) == (0, "run: run")
    weights = torch.load(tmp_path / "run" / "model.pth", weights_only=True)
    assert same_weights(whole.weights, weights)


def test_a_complete_run_is_left_alone(tmp_path: Path, seedbed: Callable) -> None:
    seedbed("train", "hydra.run.dir=run")
    before = (tmp_path / "run" / "status.json").read_bytes()
    result = seedbed("resume", "run")
    assert (result.code, result.out) == (0, "complete already\nrun: run\n")
    assert (tmp_path / "run" / "status.json").read_bytes() == before


REFUSED = {
    "fewer epochs": (["run", "trainer.epochs=3"], "trainer.epochs can be raised, from 50, got 3"),
    "another key": (
        ["run", "seed=3"],
        "resume takes trainer.epochs=N, trainer.early_stopping.patience=N or null, "
        "trainer.strategy=single or ddp or fsdp, loader.num_workers=N, and data.path=FILE, "
        "got 'seed=3'",
    ),
    "no run": (["rum"], "run directory 'rum' does not exist; did you mean 'run'?"),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_resumed_is_said(words: list[str], said: str, seedbed: Callable) -> None:
    seedbed("train", "hydra.run.dir=run")
    result = seedbed("resume", *words)
    assert (result.code, result.errors) == (2, [f"error: {said}"])


def test_a_diverged_run_is_not_resumed(seedbed: Callable) -> None:
    seedbed("train", "optimizer.lr=1e6", "hydra.run.dir=run")
    (error,) = seedbed("resume", "run").errors
    assert error.startswith("error: 'run' diverged, and would again")


def test_a_run_that_is_being_written_is_refused(tmp_path: Path, seedbed: Callable) -> None:
    first = stopped(tmp_path / "run", WINE, after=1)
    holder = reclaim(first.directory)
    (error,) = seedbed("resume", "run").errors
    assert error.startswith("error: 'run' is being written by another process")
    holder.release()


def test_a_truncated_checkpoint_is_said(tmp_path: Path, seedbed: Callable) -> None:
    first = stopped(tmp_path / "run", WINE, after=1)
    first.directory.last.write_bytes(first.directory.last.read_bytes()[:1000])
    result = seedbed("resume", "run")
    assert result.code == 2
    assert "is damaged or cut short" in result.errors[0]


def test_changed_data_is_named_before_any_training(tmp_path: Path, seedbed: Callable) -> None:
    rows = "a,b,y\n" + "".join(f"{i},{i % 7},{i * 2}\n" for i in range(40))
    (tmp_path / "rows.csv").write_text(rows)
    seedbed("train", "data=csv", "data.path=rows.csv", "data.target=y", "hydra.run.dir=run")
    (tmp_path / "rows.csv").write_text(rows.replace("39,4,78", "39,4,79"))
    for command in (["resume", "run", "trainer.epochs=300"], ["reproduce", "run"]):
        result = seedbed(*command)
        said = "error: data: 'rows.csv' has changed since the run 'run'"
        assert (result.code, result.errors) == (2, [said])
