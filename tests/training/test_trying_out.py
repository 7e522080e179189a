"""Runs that end by steps or by time, and runs of a few batches."""

import json
import signal
import sys
from pathlib import Path

import pytest
import torch
from support import processes, single_runs
from support.command_line import Command

from seedbed.runs.layout import RunPaths
from seedbed.training.run_length import seconds_in

IRIS = ("data=sklearn", "data.dataset=iris", "loader.batch_size=16", "optimizer=adam")
SEVEN = ("trainer.epochs=4", "trainer.max_steps=10")  # epochs of 7 batches


def test_max_steps_ends_a_run_as_if_it_were_stopped_there(tmp_path: Path) -> None:
    """The steps are the first of a longer run, and the epoch that they end is measured."""
    cut = single_runs.train(tmp_path / "cut", *IRIS, *SEVEN)
    whole = single_runs.train(tmp_path / "whole", *IRIS, "trainer.epochs=4")
    assert cut.result["steps"] == 10
    assert cut.result["stopped_by"] == "trainer.max_steps=10"
    assert cut.history["step"] == [7, 10]
    assert {name: column[:1] for name, column in cut.history.items()} == {
        name: column[:1] for name, column in whole.history.items()
    }
    batches = cut.plan.train
    seen = [x for x, _ in batches.epoch(1)][:3]
    assert sum(map(len, seen)) == 48
    assert cut.result["metrics"]["train/loss"] == cut.history["train/loss"][1]


@pytest.mark.parametrize("steps", [7, 14, 100])
def test_steps_that_epochs_end_as_well(tmp_path: Path, steps: int) -> None:
    ended = single_runs.train(
        tmp_path / "a", *IRIS, f"trainer.epochs={min(2, steps // 7)}", f"trainer.max_steps={steps}"
    )
    whole = single_runs.train(tmp_path / "b", *IRIS, f"trainer.epochs={min(2, steps // 7)}")
    assert ended.history == whole.history
    assert "stopped_by" not in ended.result


def test_a_stack_ends_by_steps_as_its_runs_do(seedbed: Command, tmp_path: Path) -> None:
    words = (*IRIS, *SEVEN, "data.split.seed=0")
    done = seedbed("train", "-m", "seed=1,2", *words, "hydra.sweep.dir=s", "sweep.fuse=always")
    assert done.code == 0, done.err
    for seed in (1, 2):
        one = single_runs.train(tmp_path / f"{seed}", *words, f"seed={seed}")
        among = tmp_path / "s" / f"{seed - 1}_seed={seed}"
        result = json.loads((among / "result.json").read_text())
        assert (result["engine"], result["steps"]) == ("fused", 10)
        loss = single_runs.history(RunPaths(among))["train/loss"]
        assert loss == pytest.approx(one.history["train/loss"], rel=1e-4)
    assert seedbed("reproduce", "s/1_seed=2").out.endswith("identical\n")


@pytest.mark.parametrize("together", [False, True], ids=["alone", "in a stack"])
def test_a_run_killed_at_its_last_step_goes_on_to_no_other(
    seedbed: Command, tmp_path: Path, together: bool
) -> None:
    kill = (
        "import os, signal, sys\n"
        "from seedbed.recording.directory import DirectoryRecorder as Recorder\n"
        "save = Recorder.save\n"
        "def killed(self, training):\n"
        "    save(self, training)\n"
        "    if training.progress.step == 10: os.kill(os.getpid(), signal.SIGKILL)\n"
        "Recorder.save = killed\n"
        "from seedbed.cli.main import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    where = ["-m", "seed=1,2", "sweep.workers=0", "sweep.fuse=always", "hydra.sweep.dir=s"]
    where = where if together else ["hydra.run.dir=s"]
    words = ["train", *where, *IRIS, *SEVEN, "trainer.checkpoint_every='5 steps'"]
    done = processes.run([sys.executable, "-c", kill, *words], cwd=tmp_path, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert seedbed("resume", "s").code == 0
    run = tmp_path / "s" / "0_seed=1" if together else tmp_path / "s"
    result = json.loads((run / "result.json").read_text())
    assert (result["steps"], result["status"]) == (10, "completed")
    assert seedbed("reproduce", run).out.endswith("identical\n")


def test_time_ends_a_run_which_reproduce_ends_after_the_same_step(
    seedbed: Command, tmp_path: Path
) -> None:
    words = (*IRIS, "trainer.epochs=100000", "trainer.max_time='0.05 s'", "hydra.run.dir=r")
    done = seedbed("train", *words)
    assert done.code == 0
    assert "as trainer.max_time=0.05 s)" in done.out
    result = json.loads((tmp_path / "r" / "result.json").read_text())
    assert result["steps"] < 700000
    again = seedbed("reproduce", "r")
    assert (again.code, again.out) == (0, "identical\n")
    more = seedbed("resume", "r", "trainer.epochs=200000")
    assert more.code == 2
    assert "ended by trainer.max_time=0.05 s" in more.err


def test_time_that_is_over_between_two_epochs_ends_no_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever the clock is looked at, the epoch that ends has a batch."""
    from seedbed.training.progress import Progress

    ended_at = set()
    for late in range(1, 12):
        looks = iter(range(1000))
        with monkeypatch.context() as patched:
            patched.setattr(
                Progress,
                "seconds_of",
                lambda self, slot, looks=looks, late=late: 1e9 if next(looks) >= late else 0.0,
            )
            words = (
                *IRIS[:2],
                "loader.batch_size=35",
                "trainer.epochs=3",
                "trainer.max_time='1 h'",
            )
            ended = single_runs.train(tmp_path / f"{late}", *words)
        steps = ended.history["step"]
        assert len(set(steps)) == len(steps)
        assert steps[-1] == ended.result["steps"] > 0
        ended_at.add(ended.result["steps"])
    assert ended_at == {*range(2, 10)}, "after all batches of 3 epochs but the first"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90 s", 90), ("1.5 h", 5400), ("2min", 120), ("1 d", 86400)]
)
def test_a_span_of_time_is_read_in_seconds(text: str, seconds: float) -> None:
    assert seconds_in(text) == seconds


def test_limit_batches_trains_on_the_first_batches_of_each_epoch(tmp_path: Path) -> None:
    few = single_runs.train(tmp_path / "few", *IRIS, "trainer.limit_batches=2", "trainer.epochs=2")
    _, whole = single_runs.prepared(*IRIS)
    for epoch in range(2):
        ours = [x for x, _ in few.plan.train.epoch(epoch)]
        assert len(ours) == 2
        for x, (other, _) in zip(ours, whole.train.epoch(epoch), strict=False):
            assert torch.equal(x, other)
    assert few.history["step"] == [2, 4]
    measured = few.plan.splits["validation"].rows
    assert measured == min(32, whole.splits["validation"].rows)


def test_held_out_rows_are_taken_from_all_over_a_part(tmp_path: Path) -> None:
    """Rows that somebody sorted by class."""
    rows = "".join(f"{i},{i // 40}\n" for i in range(120))
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(f"x,y\n{rows}")
    words = ("data=csv", "data.path=a.csv", "data.validation_path=b.csv", "data.target=y")
    _, plan = single_runs.prepared(*words, "loader.batch_size=3", "trainer.limit_batches=2",
                                   "data.task=multiclass")  # fmt: skip
    ((_, y),) = plan.splits["validation"].epoch(0)
    assert sorted(set(y.tolist())) == [0, 1, 2]
    assert len(y) == 6


def test_a_stack_of_few_batches_is_its_runs(seedbed: Command, tmp_path: Path) -> None:
    words = (*IRIS, "trainer.limit_batches=2", "trainer.epochs=3")
    seedbed("train", "-m", "seed=1,2", *words, "hydra.sweep.dir=s", "sweep.fuse=always")
    one = single_runs.train(tmp_path / "one", *words, "seed=2")
    among = single_runs.history(RunPaths(tmp_path / "s" / "1_seed=2"))
    for name in ("step", "train/loss", "val/loss"):
        assert among[name] == pytest.approx(one.history[name], rel=1e-4)


def test_overfitting_says_whether_the_loss_fell(seedbed: Command, tmp_path: Path) -> None:
    words = (*IRIS, "trainer.overfit_batches=1", "optimizer.lr=0.05", "trainer.epochs=60")
    done = seedbed("train", *words, "hydra.run.dir=r")
    assert "trained on 16 of 105 rows, and measured on no others" in done.out
    assert "(overfit: train/loss fell, from" in done.out
    result = json.loads((tmp_path / "r" / "result.json").read_text())
    assert list(result["metrics"]) == ["train/loss"]
    assert result["metrics"]["train/loss"] < 0.1 < result["overfit"]["first"]
    worse = seedbed("train", *words[:-2], "optimizer=sgd", "optimizer.lr=1e-30", "trainer.epochs=1")
    assert "(overfit: train/loss did not fall, from" in worse.out


def test_a_dev_run_goes_through_everything_and_keeps_the_log(
    seedbed: Command, tmp_path: Path
) -> None:
    done = seedbed("train", *IRIS, "trainer.fast_dev_run=true", "hydra.run.dir=r")
    assert done.code == 0
    assert "1 epoch of 2 batches" in done.out
    assert "test/loss" in done.out
    assert done.out.endswith("kept: r/run.log\nrun: r\n")
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == ["run.log"]


@pytest.mark.parametrize(
    "words",
    [
        ("trainer.select=swa", "trainer.swa_start=3"),
        ("scheduler=cosine", "scheduler.warmup='100 steps'"),
        ("trainer.accumulate=5",),
        ("scheduler=onecycle",),
    ],
    ids=str,
)
def test_a_dev_run_goes_through_what_is_laid_out_for_a_longer_run(
    seedbed: Command, words: tuple[str, ...]
) -> None:
    done = seedbed("train", *IRIS, "trainer.epochs=9", "trainer.fast_dev_run=true", *words)
    assert (done.code, done.err) == (0, "")


def test_runs_tried_out_on_other_rows_are_not_ranked(seedbed: Command) -> None:
    seedbed("train", "-m", "trainer.limit_batches=1,2", *IRIS, "trainer.epochs=1",
            "hydra.sweep.dir=s")  # fmt: skip
    compared = seedbed("compare", "s")
    assert "rows of their own, and are not ranked" in compared.err
    assert "rank" not in compared.out


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("trainer.max_time=2",), "trainer.max_time must be a text ('N s', 'N min', 'N h' or"),
        (("trainer.max_time='0.0 h'",), "trainer.max_time must be a text ('N s', 'N min'"),
        (("trainer.max_steps=0",), "trainer.max_steps must be a whole number >= 1 or null, got 0"),
        (("trainer.limit_batches=0.5",), "trainer.limit_batches must be a whole number >= 1"),
        (("-m", "seed=1,2", "trainer.fast_dev_run=true"), "for a sweep type trainer.limit_batches"),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)
def test_a_mistake_is_one_line(seedbed: Command, words: tuple[str, ...], error: str) -> None:
    result = seedbed("train", *words)
    assert (result.code, len(result.errors)) == (2, 1)
    assert error in result.err
    assert not Path("outputs").exists()


def test_python_gives_no_run_back_that_is_not_kept() -> None:
    import seedbed

    with pytest.raises(seedbed.errors.ArgumentError, match="no run to give back; type trainer"):
        seedbed.train("trainer.fast_dev_run=true")
