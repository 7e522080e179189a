"""A monitored value that is no number: said, never the best, and not seen by the plateau."""

import copy
import json
import math
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.command_line import Command
from support.single_runs import same_weights, train
from support.stacked_runs import (
    Kept,
    Stopping,
    alone,
    planned,
    stacked,
    train_stack,
    variants,
)

from seedbed.config.schema import RunConfig
from seedbed.sweep.outcome import read_sweep
from seedbed.training.progress import Progress
from seedbed.training.state import Monitor

ONE_CLASS = [
    "data=csv", "data.path=one.csv", "data.validation_path=rest.csv", "data.target=kind",
    "data.split={validation:0,test:0,stratify:false}", "trainer.monitor=val/auroc",
    "trainer.epochs=12", "loader.batch_size=8", "optimizer.lr=0.01",
]  # fmt: skip
STEPS_AN_EPOCH = 3
PLATEAU = ["scheduler=plateau", "scheduler.patience=1"]


@pytest.fixture(autouse=True)
def _tables(tmp_path: Path) -> None:
    """Two classes to learn, and validation rows of one."""
    lines = [f"{n % 7},{n % 3},{'ab'[n % 2]}" for n in range(24)]
    (tmp_path / "one.csv").write_text("\n".join(["w,h,kind", *lines]) + "\n")
    (tmp_path / "rest.csv").write_text("w,h,kind\n" + "3,1,a\n4,2,a\n5,0,a\n")


def test_it_is_said_once_with_what_to_watch_instead(seedbed: Command) -> None:
    result = seedbed("train", *ONE_CLASS)
    assert result.code == 0, result.err
    (note,) = [line for line in result.out.splitlines() if line.startswith("note: val/auroc")]
    assert note.startswith("note: val/auroc is nan after epoch 1 (it takes rows of every class")
    assert note.endswith("type trainer.monitor=val/loss (or val/accuracy, val/f1)")
    assert result.out.index("epoch  1/12") < result.out.index(note)
    assert note in (result.run / "run.log").read_text()
    again = seedbed("train", *ONE_CLASS, "trainer.monitor=val/loss")
    assert "note: val/" not in again.out


def test_no_epoch_is_the_best_and_the_last_weights_are_kept(tmp_path: Path) -> None:
    run = train(tmp_path / "run", *ONE_CLASS)
    assert run.result["best"] == {}
    assert run.result["measured_at"] == dict.fromkeys(run.result["metrics"], 12)
    best, last = (
        torch.load(path, weights_only=True) for path in (run.directory.best, run.directory.last)
    )
    assert best["state"]["best"]["epoch"] == 0
    assert same_weights(best["model"], last["model"])
    assert same_weights(run.weights, last["model"])


def test_early_stopping_counts_every_such_epoch(tmp_path: Path) -> None:
    run = train(tmp_path / "run", *ONE_CLASS, "trainer.early_stopping=4")
    assert (run.result["status"], run.result["epochs"]) == ("completed", 4)


def test_the_plateau_schedule_does_not_see_it(tmp_path: Path) -> None:
    run = train(tmp_path / "run", *ONE_CLASS, *PLATEAU)
    assert run.history["lr"] == [0.01] * 12
    seen = train(tmp_path / "seen", *ONE_CLASS, *PLATEAU, "trainer.monitor=val/accuracy")
    assert min(seen.history["lr"]) < 0.01  # three rows' accuracy does not go on rising


def test_a_number_after_none_is_the_best_and_a_later_none_is_not() -> None:
    values = [math.nan, math.inf, 0.5, math.nan, 0.4, math.inf, 0.45]
    progress, better = judged(values, Monitor("val/loss", higher_is_better=False))
    assert better == [False, False, True, False, True, False, False]
    best = progress.best.of(0)
    assert (best.epoch, best.value, best.epochs_since) == (5, 0.4, 2)


@cache
def config_of(delta: float) -> RunConfig:
    (config,) = variants([f"trainer.early_stopping.min_delta={delta}"], [{}])
    return config


def judged(
    values: Sequence[float], monitor: Monitor, delta: float = 0.0, slots: int = 1
) -> tuple[Progress, list[bool]]:
    """Epochs with these monitored values, the same in every slot; which were better."""
    config = config_of(delta)
    progress = Progress(
        [config] * slots, slots, monitor=monitor, metric_names=[], batches=1, is_sum=False
    )
    better = []
    for value in values:
        progress.epoch += 1
        progress.update_best(np.full(slots, value))
        better.append(int(progress.best.epoch[0]) == progress.epoch)
    return progress, better


NUMBERS = st.sampled_from([math.nan, math.inf, -math.inf, -2.0, -1.0, 0.0, 0.5, 0.75, 3.0])


@settings(deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=12), st.booleans(), st.sampled_from([0.0, 0.5]))
def test_plain_numpy_agrees_on_the_best_epoch_of_one_run_and_of_many(
    values: list[float], higher: bool, delta: float
) -> None:
    progress, _ = judged(values, Monitor("m", higher), delta)
    best = progress.best.of(0)
    among, _ = judged(values, Monitor("m", higher), delta, slots=3)
    for slot in range(3):
        other = among.best.of(slot)
        assert (other.epoch, other.epochs_since) == (best.epoch, best.epochs_since)
    finite = [value if math.isfinite(value) else None for value in values]
    if not any(value is not None for value in finite):
        assert (best.epoch, best.epochs_since) == (0, len(values))
    elif not delta:
        filled = np.array([(-math.inf if higher else math.inf) if v is None else v for v in finite])
        assert best.epoch == 1 + int(filled.argmax() if higher else filled.argmin())


def test_a_stack_says_and_does_the_same() -> None:
    configs = variants([*ONE_CLASS, *PLATEAU, "trainer.early_stopping=6"], [{}, {}, {}])
    kept = stacked(configs)
    assert len(kept.notes) == 1
    assert kept.notes[0].startswith("3 of 3 runs: val/auroc is nan after epoch 1")
    for number, config in enumerate(configs):
        single = alone(config)
        assert [row["lr"] for row in kept.history[number]] == [0.01] * 6
        assert len(single.history) == 6
        snapshot = kept.best[number]["state"]
        assert (snapshot["best"]["epoch"], snapshot["epoch"], single.best) == (0, 6, 0)
        torch.testing.assert_close(kept.weights[number], single.weights, rtol=1e-4, atol=1e-4)
        assert same_weights(kept.best[number]["model"], kept.weights[number])


def test_a_sweep_says_it_and_ranks_by_nothing_it_has_not(seedbed: Command) -> None:
    for fuse in ("always", "never"):
        result = seedbed("train", "-m", *ONE_CLASS, "seed=1,2", f"sweep.fuse={fuse}")
        assert result.code == 0, result.err
        notes = [line for line in result.out.splitlines() if "val/auroc is nan after" in line]
        assert len(notes) == 1, result.out
        for job in read_sweep(result.sweep).jobs:
            run = result.sweep / job.directory
            assert json.loads((run / "result.json").read_text())["best"] == {}
            assert "val/auroc is nan after epoch 1" in (run / "run.log").read_text()


def test_a_stack_that_goes_on_keeps_what_is_no_best_epoch(tmp_path: Path) -> None:
    """Cut off after an epoch without a number, it ends as one that was never stopped."""
    configs = variants([*ONE_CLASS, "trainer.epochs=3"], [{}, {}])
    whole, cut, again = stacked(configs), Stopping(STEPS_AN_EPOCH + 1, copy.deepcopy), Kept()
    train_stack(planned(configs), 2, cut, cut.stop)
    train_stack(planned(configs), 2, again, resumed=cut.taken)
    for run in range(2):
        assert again.best[run]["state"]["epoch"] == whole.best[run]["state"]["epoch"] == 3
        assert same_weights(again.best[run]["model"], whole.best[run]["model"])


def test_predictions_of_the_best_epoch_are_refused_where_there_is_none(
    seedbed: Command, tmp_path: Path
) -> None:
    run = seedbed("train", *ONE_CLASS).run
    words = ("predict", run, "--file", "rest.csv", "--checkpoint")
    assert seedbed(*words, "last").code == 0
    refused = seedbed(*words, "best")
    assert refused.code == 2
    assert "has no best epoch" in refused.err
    assert "--checkpoint last" in refused.err
    started = seedbed("train", *ONE_CLASS, f"init.run={run}", "init.checkpoint=best")
    assert started.code == 2
    assert "has no best epoch, as val/auroc was a number in none" in started.err
    assert "type init.checkpoint=last" in started.err


@pytest.mark.parametrize(
    "name", ["val/rmse", "lr", "epoch", "seconds", "test/loss", "val/losss", "''"]
)
def test_a_column_that_there_is_not_is_refused_before_anything_runs(
    seedbed: Command, tmp_path: Path, name: str
) -> None:
    shutil.rmtree(tmp_path / "outputs", ignore_errors=True)
    for command in (["train"], ["validate"], ["train", "-m", "seed=1,2"]):
        result = seedbed(*command, *ONE_CLASS, f"trainer.monitor={name}")
        assert result.code == 2, result.out
        assert "trainer.monitor" in result.err
        assert not (tmp_path / "outputs").exists()
