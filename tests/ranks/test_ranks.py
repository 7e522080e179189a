"""A run on many ranks is the run of one process: its history, metrics and weights."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from support.ranked_runs import (
    MODULE,
    SHARDED,
    NotedRows,
    assert_alike,
    fork_always,
    noted,
    on_ranks,
    rank_killed_at,
)
from support.single_runs import Trained, prepared, same_weights, train

from seedbed.ranks.engine import RankEngine
from seedbed.recording.run import run
from seedbed.runs.directory import RunDirectory, claim, reclaim
from seedbed.training.reporter import Reporter
from seedbed.training.resume import load_best, load_snapshot

SPLIT = "data.split={validation:0.2,test:0.1}"
CLASSES = ["data=sklearn", "data.dataset=wine", SPLIT, "loader.batch_size=25", "trainer.epochs=2"]
ROWS = ["data=npz", "data.path=rows.npz", SPLIT, "loader.batch_size=6", "trainer.epochs=2"]
TABLE = ["data=csv", "data.path=rows.csv", "data.target=real", "data.features=[a,b]", *ROWS[2:]]
ADAM = ["optimizer=adam", "optimizer.weight_decay=0.01"]
TASKS = {
    "real values": [*ROWS, "data.target=real", "trainer.gradient_clip=0.1", "scheduler=onecycle"],
    "a sum": [
        *ROWS,
        "data.target=real",
        "loss._target_=torch.nn.SmoothL1Loss",
        "+loss.reduction=sum",
        "optimizer.lr=1e-4",
    ],
    "quantiles": [*ROWS, "data.target=real", "loss=quantile", *ADAM],
    "counts": [*ROWS, "data.target=count", "data.task=counts", "loss=poisson"],
    "labels": [
        *ROWS,
        "data.target=labels",
        "data.task=multilabel",
        "loss=bce",
        "loss.pos_weight=auto",
        *ADAM,
    ],
    "two classes": [*ROWS, "data.target=two", "loss=bce", "loss.pos_weight=3"],
    "weighted classes": [*CLASSES, "loss=cross_entropy", "loss.class_weights=auto", *ADAM],
    "batch norm": [*CLASSES, "model.batch_norm=true", "scheduler=plateau", "scheduler.patience=0"],
    "row weights": [*TABLE, "data.weight=w"],
    "batches that weigh nothing": [*TABLE, "data.weight=few", "loader.batch_size=2", *ADAM],
    "averaged by epochs": [*CLASSES, "trainer.select=swa", "trainer.swa_start=1"],
    "averaged by epochs, batch norm": [
        *CLASSES,
        "trainer.select=swa",
        "trainer.swa_start=1",
        "model.batch_norm=true",
    ],
    "a stream": [*TABLE, "data=parquet", "data.path=rows.parquet", "data.stream=true"],
    "accumulated": [*ROWS, "data.target=real", "trainer.accumulate=3"],
    "averaged": [*CLASSES, "trainer.select=ema", "trainer.ema_decay=0.5", "model.batch_norm=true"],
    "few rows": ["trainer.epochs=2", "loader.batch_size=3"],
}


ALIKE = ("a sum", "quantiles", "counts", "labels", "two classes", "averaged by epochs", "averaged")
"""What is left out where the weights are split: for these that is as for another."""


@pytest.fixture(autouse=True)
def _forks(monkeypatch: pytest.MonkeyPatch) -> None:
    fork_always(monkeypatch)


@pytest.fixture
def rows(tmp_path: Path) -> None:
    """37 rows: no number of ranks but one shares them evenly."""
    draws = np.random.default_rng(0)
    x = draws.normal(size=(37, 3)).astype(np.float32)
    table = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "real": x.sum(axis=1), "w": np.abs(x[:, 2])})
    table["few"] = (np.arange(37) % 4 == 0).astype(int)
    table.to_csv(tmp_path / "rows.csv", index=False)
    table.to_parquet(tmp_path / "rows.parquet", row_group_size=10)
    np.savez(
        tmp_path / "rows.npz",
        x=x,
        real=x.sum(axis=1),
        count=draws.poisson(3, 37),
        two=(x[:, 0] > 0).astype(int),
        labels=(x[:, :2] > 0.2).astype(int),
    )


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("words", TASKS.values(), ids=TASKS.keys())
def test_two_ranks_train_as_one_process_does(tmp_path: Path, words: list[str]) -> None:
    one = train(tmp_path / "one", *words)
    two = on_ranks(tmp_path / "two", 2, *words)
    assert_alike(one, two)
    assert two.result["ranks"] == 2
    assert two.result["batch_size"] == two.plan.train.batch_size
    assert two.result["engine"] == "ddp"
    if words not in [TASKS[name] for name in ALIKE]:
        parts = on_ranks(tmp_path / "parts", 2, *words, *SHARDED)
        assert_alike(one, parts)
        assert parts.result["engine"] == "fsdp"


def own(path: Path, dataset: str, *words: str) -> list[str]:
    """Words of a run on rows of this project's tests."""
    target = f"data.train={{_target_:{MODULE}.{dataset}}}"
    return ["data=dataset", target, f"allow=[{MODULE},support]", *words]


def test_a_layer_derived_from_batch_normalisation_keeps_its_forward_pass(tmp_path: Path) -> None:
    words = own(tmp_path, "NotedRows", f"model={{_target_:{MODULE}.Bounded}}", *ROWS[2:])
    one, two = train(tmp_path / "one", *words), on_ranks(tmp_path / "two", 2, *words)
    assert_alike(one, two)
    assert not [note for note in one.plan.notes if "Bounding" in note]
    (told,) = [note for note in two.plan.notes if "Bounding" in note]
    assert "(Bounding) sees the rows of each rank alone" in told


SEQUENCES = [
    "data=dataset",
    "data.target=label",
    "data.train={_target_:support.own_parts.sequences.Sequences,kind:mapping,rows:37}",
    "model._target_=support.own_parts.sequences.Packed",
    *("allow=[support]", "data.split={validation:0.2}", "loader.collate=pad", "loader.buckets=3"),
    *("loader.batch_size=7", "trainer.epochs=2", "optimizer=adam"),
]


def test_ranks_share_padded_rows_of_several_tensors(tmp_path: Path) -> None:
    one, three = train(tmp_path / "1", *SEQUENCES), on_ranks(tmp_path / "3", 3, *SEQUENCES)
    assert_alike(one, three)


class Stop(Reporter):
    """Presses Ctrl-C at the first rank, in the second epoch."""

    def batch_done(self, epoch: int, batch: int, batches: int) -> None:
        if epoch == 1 and batch == 2:
            signal.raise_signal(signal.SIGINT)


@pytest.fixture
def every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seedbed.training.reporter.REPORT_SECONDS", -1.0)


def gone_on(directory: RunDirectory, words: list[str], reporter: Reporter | None = None) -> Trained:
    _, plan = prepared(*words)
    again = reclaim(directory)
    try:
        snapshot = load_snapshot(directory)
        result = run(plan, again, reporter, draw=False, resumed=snapshot)
    finally:
        again.release()
    return Trained(plan, result, again)


@pytest.fixture
def _noted_rows(tmp_path: Path) -> Iterator[None]:
    yield
    NotedRows.file = None


@pytest.mark.usefixtures("every_step", "_noted_rows")
def test_a_run_goes_on_with_other_numbers_of_ranks_and_reads_each_row_once_an_epoch(
    tmp_path: Path,
) -> None:
    words = own(tmp_path, "NotedRows", "loader.batch_size=4", "trainer.epochs=4", *ADAM)
    whole = train(tmp_path / "whole", *words)
    ddp = [*words, "trainer.strategy=ddp"]
    NotedRows.file = None
    _, plan = prepared(*ddp, "trainer.devices=2")
    NotedRows.file = tmp_path / "noted"
    directory = claim(tmp_path / "run")
    first = run(plan, directory, Stop(), draw=False)
    assert (first["status"], first["epochs"]) == ("interrupted", 1)
    assert 6 < first["steps"] < 12, "it stopped within an epoch"
    NotedRows.file = None
    _, plan = prepared(*ddp, "trainer.devices=1")
    NotedRows.file = tmp_path / "noted"
    directory = reclaim(directory)
    snapshot = load_snapshot(directory)

    class Later(Reporter):
        def batch_done(self, epoch: int, batch: int, batches: int) -> None:
            if epoch == 2 and batch == 3:
                signal.raise_signal(signal.SIGINT)

    second = run(plan, directory, Later(), draw=False, resumed=snapshot)
    assert (second["status"], second["epochs"]) == ("interrupted", 2)
    NotedRows.file = None
    _, plan = prepared(*ddp, "trainer.devices=3")
    NotedRows.file = tmp_path / "noted"
    directory = reclaim(directory)
    result = run(plan, directory, draw=False, resumed=load_snapshot(directory))
    assert result["status"] == "completed"
    assert_alike(whole, Trained(plan, result, directory))
    assert noted(tmp_path / "noted") == dict.fromkeys(range(23), 4)
    environment = json.loads(directory.environment.read_text())
    assert (environment["ranks"], environment["ranks_before"]) == (3, [2, 1])


@pytest.mark.usefixtures("every_step")
def test_a_stopped_run_goes_on_to_the_same_bits_on_as_many_ranks(tmp_path: Path) -> None:
    model = f"model={{_target_:{MODULE}.Dropping}}"
    words = own(tmp_path, "NotedRows", model, "loader.batch_size=5", "trainer.epochs=3")
    words += ["trainer.strategy=ddp", "trainer.devices=2", "optimizer.momentum=0.9"]
    whole = train(tmp_path / "whole", *words)
    _, plan = prepared(*words)
    directory = claim(tmp_path / "run")
    assert run(plan, directory, Stop(), draw=False)["status"] == "interrupted"
    last = gone_on(directory, words)
    assert last.history == whole.history
    assert same_weights(last.weights, whole.weights)
    assert whole.weights["seen"] != 0
    assert torch.equal(whole.weights["unused"], torch.ones(3))


def test_ranks_draw_other_masks_of_dropout(tmp_path: Path) -> None:
    words = [*CLASSES, "model.dropout=0.5"]
    one, two = train(tmp_path / "one", *words), on_ranks(tmp_path / "two", 2, *words)
    assert one.history["train/loss"] != two.history["train/loss"]


def test_early_stopping_is_decided_once_for_all(tmp_path: Path) -> None:
    words = [*CLASSES, "optimizer.lr=0.5", "trainer.epochs=40", "trainer.early_stopping=2"]
    one, two = train(tmp_path / "one", *words), on_ranks(tmp_path / "two", 3, *words)
    assert one.result["epochs"] < 40
    assert [one.result[key] for key in ("epochs", "steps")] == [
        two.result[key] for key in ("epochs", "steps")
    ]
    assert_alike(one, two, 1e-4)


def test_a_run_that_diverges_does_so_on_all_ranks(tmp_path: Path) -> None:
    one = train(tmp_path / "one", "optimizer.lr=1e6")
    two = on_ranks(tmp_path / "two", 2, "optimizer.lr=1e6")
    assert one.result["status"] == two.result["status"] == "diverged"
    assert one.result["error"] == two.result["error"]


@pytest.mark.usefixtures("rows")
def test_a_batch_of_ignored_classes_alone_has_no_loss_on_ranks_either(tmp_path: Path) -> None:
    """Its mean is over nothing; that of rows that weigh nothing is 0, as in one process."""
    ignoring = ["data.target=two", "data.task=multiclass", "loss._target_=torch.nn.NLLLoss"]
    words = [*ROWS, *ignoring, "+loss.ignore_index=1", "loader.batch_size=2"]
    one = train(tmp_path / "one", *words)
    two = on_ranks(tmp_path / "two", 2, *words)
    assert one.result["status"] == two.result["status"] == "diverged"
    assert one.result["error"] == two.result["error"]


def test_the_layer_that_broke_on_another_rank_is_named(tmp_path: Path) -> None:
    layer = f"model={{_target_:{MODULE}.DivergingOnOne,in_features:2,out_features:1}}"
    words = [layer, f"allow=[{MODULE},support]", "trainer.detect_anomaly=true"]
    error = on_ranks(tmp_path / "run", 2, *words).result["error"]
    assert error.endswith("(epoch 2, batch 1, lr 0.001): the output of the model is NaN")


def test_batches_are_measured_alike_on_all_ranks(tmp_path: Path) -> None:
    """Also where a dropped-out layer comes before: else each would hold other statistics."""
    layers = "[{Dropout:{p:0.5}},{BatchNorm1d:{num_features:13}},{Linear:{out_features:3}}]"
    words = [*CLASSES, "trainer.select=swa", "trainer.swa_start=1"]
    two = on_ranks(tmp_path / "two", 2, *words, "model=sequential", f"model.layers={layers}")
    (rows,) = two.plan.splits["validation"].epoch(0)
    with torch.no_grad():
        loss = two.plan.head.loss(two.plan.model.eval()(rows[0]), rows[1])
    assert two.result["metrics"]["val/loss"] == pytest.approx(float(loss), rel=1e-5)


def test_checkpoints_by_the_clock_are_of_one_step_on_all_ranks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seedbed.training.interval.Interval._seconds_passed", lambda self: True)
    two = on_ranks(tmp_path / "two", 2, "trainer.epochs=3", "trainer.checkpoint_every=1 s")
    assert_alike(train(tmp_path / "one", "trainer.epochs=3"), two)


def test_a_rank_that_is_killed_ends_the_run_with_a_whole_checkpoint(tmp_path: Path) -> None:
    before = _children()
    words = [*CLASSES, "trainer.checkpoint_every='2 steps'", "trainer.epochs=3"]
    with rank_killed_at(5):
        on_ranks(tmp_path / "run", 2, *words)
    directory = reclaim(RunDirectory(tmp_path / "run"))
    status = json.loads(directory.status.read_text())
    assert status["status"] == "failed"
    assert status["error"].startswith("RunFailedError: rank 1 died: signal SIGKILL")
    snapshot = load_snapshot(directory)
    assert snapshot is not None
    assert snapshot["state"]["step"] == 4
    assert load_best(directory) is not None
    assert not _children() - before
    directory.release()
    ddp = [*words, "trainer.strategy=ddp", "trainer.devices=2"]
    assert_alike(train(tmp_path / "whole", *words), gone_on(directory, ddp))


def _children() -> set[int]:
    """Of this process, whichever of its threads began them."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(one) for task in tasks for one in task.read_text().split()}


def test_what_one_rank_raises_is_told_with_its_line(seedbed: Callable, tmp_path: Path) -> None:
    layer = f"{{_target_:{MODULE}.DyingOnOne,in_features:2,out_features:1}}"
    result = seedbed(
        *("train", f"model={layer}", f"allow=[{MODULE},support]", "hydra.run.dir=run"),
        *("trainer.strategy=ddp", "trainer.devices=2"),
    )
    assert result.code == 1
    (error,) = result.errors
    assert error.startswith("error: rank 1: ArithmeticError: only here (")
    assert "ranked_runs.py" in error
    log = (tmp_path / "run" / "run.log").read_text()
    assert "raise ArithmeticError" in log
    assert json.loads((tmp_path / "run" / "status.json").read_text())["status"] == "failed"


def test_a_rerun_on_as_many_ranks_is_identical(seedbed: Callable) -> None:
    words = [*CLASSES, "model.dropout=0.2", "trainer.strategy=ddp", "trainer.devices=3"]
    assert seedbed("train", *words, "hydra.run.dir=run").code == 0
    again = seedbed("reproduce", "run")
    assert (again.code, again.out.splitlines()[-1]) == (0, "identical")
    longer = seedbed("resume", "run", "trainer.epochs=3", "trainer.devices=2")
    assert longer.code == 0, longer.err
    again = seedbed("reproduce", "run")
    assert again.code == 2
    assert again.errors[0].startswith("error: not compared bit for bit, as the run went on with")


def test_jobs_on_ranks_run_singly_and_say_so(seedbed: Callable, tmp_path: Path) -> None:
    words = ["trainer.strategy=ddp", "trainer.devices=2", "seed=1,2", "trainer.epochs=1"]
    result = seedbed("train", "-m", *words, "hydra.sweep.dir=sweep")
    assert result.code == 0, result.err
    said = "2 jobs run singly: trainer.strategy=ddp trains each job on ranks of its own"
    assert said in result.out
    told = [json.loads(file.read_text()) for file in tmp_path.glob("sweep/*/result.json")]
    assert [one["ranks"] for one in told] == [2, 2]


def test_a_signal_that_one_rank_hears_stops_all_after_the_same_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = RankEngine.step

    def told_to_end(self: RankEngine, *args: Any) -> Any:
        self.steps = getattr(self, "steps", 0) + 1  # type: ignore[attr-defined]
        if self.steps == 3 and not self.group.is_first:  # type: ignore[attr-defined]
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self, *args)

    monkeypatch.setattr(RankEngine, "step", told_to_end)
    stopped = on_ranks(tmp_path / "run", 3, *CLASSES)
    assert (stopped.result["status"], stopped.result["steps"]) == ("interrupted", 3)
