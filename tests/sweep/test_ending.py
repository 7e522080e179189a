"""The tables at a sweep's end: the best jobs, and the settings over their seeds."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seedbed.analysis.job_values import setting_text
from seedbed.analysis.jobs_over_seeds import over_seeds
from seedbed.analysis.jobs_ranked import ranked
from seedbed.cli.setting_columns import WIDTH
from seedbed.cli.sweep_report import print_report
from seedbed.cli.sweep_tables import tables
from seedbed.cli.sweep_verdict import verdict_text
from seedbed.sweep.outcome import JobState, SweepState


def jobs(
    values: dict[tuple[str, ...], float], metric: str = "train/loss", status: str = "completed"
) -> list[JobState]:
    return [
        JobState(number, list(words), f"{number}_x", "", status, None, None, {metric: value})
        for number, (words, value) in enumerate(values.items())
    ]


def grid(rates: int, seeds: int) -> dict[tuple[str, ...], float]:
    random = np.random.default_rng(0)
    return {
        ("data=sum", f"optimizer.lr=0.{rate}", f"seed={seed}"): float(random.normal(rate, 1))
        for rate in range(rates)
        for seed in range(seeds)
    }


def test_large_numbers_are_written_as_compare_writes_them() -> None:
    same = ["1e-07", "0.0123456", "1234567.5", "1000000", "0.10", "1e-2", "[64,32]", "nan", "1e6"]
    typed = {"1000000.0": "1e+06", "-2000000.0": "-2e+06", **{text: text for text in same}}
    assert {text: setting_text(text) for text in typed} == typed
    words = {(f"optimizer.lr={lr}", f"seed={s}"): lr for lr in (1e6, 0.01) for s in (0, 1)}
    sweep = SweepState(Path("sweep"), jobs(words))
    assert "1e+06" in tables(sweep.jobs, "auto")
    assert "optimizer.lr=0.01 against the next, optimizer.lr=1e+06" in verdict_text(sweep, "auto")


def test_mean_and_deviation_are_numpys() -> None:
    values = grid(12, 7)
    (family,) = over_seeds(ranked(jobs(values), "auto"))
    found = family.found
    assert len(found) == 12
    assert [one.mean for one in found] == sorted(one.mean for one in found)
    for one in found:
        word = f"optimizer.lr={one.settings['optimizer.lr']}"
        own = np.array([value for words, value in values.items() if word in words])
        assert (one.n, list(one.settings)) == (7, ["optimizer.lr"])
        np.testing.assert_allclose([one.mean, one.std], [own.mean(), own.std(ddof=1)], rtol=1e-12)


def test_the_tables_of_a_sweep() -> None:
    values = {
        ("data=sum", "optimizer.lr=1e-2", "seed=1"): 0.5,
        ("data=sum", "optimizer.lr=1e-2", "seed=2"): 0.25,
        ("data=sum", "optimizer.lr=0.1", "seed=1"): 0.125,
        ("data=sum", "optimizer.lr=0.1", "seed=2"): 7.0,
    }
    assert tables(jobs(values), "auto").splitlines() == [
        "4 jobs by train/loss:",
        "rank  folder  optimizer.lr  seed  train/loss",
        "   1  2_x              0.1     1       0.125",
        "   2  1_x             1e-2     2        0.25",
        "   3  0_x             1e-2     1         0.5",
        "   4  3_x              0.1     2           7",
        "train/loss over seeds, with the standard deviation of the sample:",
        "rank  optimizer.lr    mean    ± std  n",
        "   1          1e-2   0.375  ± 0.177  2",
        "   2           0.1  3.5625   ± 4.86  2",
    ]


def test_settings_that_lost_jobs_stand_behind() -> None:
    """The seed that is left of the second rate is the best of all, and its setting is not."""
    values = {
        ("optimizer.lr=0.1", "seed=1"): 0.5,
        ("optimizer.lr=0.1", "seed=2"): 0.25,
        ("optimizer.lr=1", "seed=1"): 0.125,
        ("optimizer.lr=1", "seed=2"): 7.0,
    }
    some = jobs(values)
    some[3].status, some[3].metrics = "diverged", {}
    said = tables(some, "auto").splitlines()
    assert said[0] == "3 jobs by train/loss (left out: 1 diverged):"
    assert said[5:] == [
        "train/loss over seeds, with the standard deviation of the sample:",
        "rank  optimizer.lr   mean    ± std  n  lost",
        "   1           0.1  0.375  ± 0.177  2     0",
        "   2             1  0.125           1     1",
    ]


def test_the_end_says_whether_the_best_is_better(tmp_path: Path) -> None:
    some = jobs(grid(2, 8))
    said = verdict_text(SweepState(tmp_path, some), "auto").splitlines()
    assert said[0] == "verdict: not shown: optimizer.lr=0.1 against the next, optimizer.lr=0.0"
    assert said[1].startswith("  8 seeds in common: train/loss lower by ")
    assert re.fullmatch(r"what mattered: optimizer.lr \S+ %, the seed \(noise\) \S+ %", said[2])
    assert said[3:] == [
        f"more: seedbed compare {tmp_path}",
        f"as a page: seedbed report {tmp_path}",
        f"the best again, with fresh seeds: seedbed confirm {tmp_path}",
    ]
    for job in some[8:]:
        job.metrics = {"train/loss": 100.0 + job.number}
    assert "verdict: better: optimizer.lr=0.0 against" in verdict_text(
        SweepState(tmp_path, some), "auto"
    )


@pytest.mark.parametrize("change", ["rows", "metric", "no settings"])
def test_there_is_no_verdict_where_nothing_compares(tmp_path: Path, change: str) -> None:
    some = jobs(grid(1 if change == "no settings" else 2, 6))
    for job in some[6:]:
        if change == "rows":
            job.rows = "others"
        else:
            job.loss, job.metrics = "torch.nn.L1Loss", {"train/loss": 1.0}
    assert verdict_text(SweepState(tmp_path, some), "auto").splitlines() == [
        f"more: seedbed compare {tmp_path}",
        f"as a page: seedbed report {tmp_path}",
    ]


def test_ten_rows_are_shown_and_the_rest_is_counted() -> None:
    said = tables(jobs(grid(12, 2)), "auto").splitlines()
    assert said[0] == "the best 10 of 24 jobs by train/loss:"
    assert said[12].startswith("the best 10 of 12 settings; train/loss over seeds")
    assert len(said) == 12 + 12


def test_jobs_that_did_not_complete_are_counted_and_left_out() -> None:
    some = jobs(grid(2, 3))
    some[0].status = some[1].status = "diverged"
    some[3].status, some[5].metrics = "failed", {"train/loss": float("nan")}
    said = tables(some, "auto").splitlines()
    assert said[0] == "2 jobs by train/loss (left out: 2 diverged, 1 failed, 1 without train/loss):"
    assert len(said) == 4  # and no setting has two seeds left


def test_higher_is_better_where_it_is() -> None:
    values = {("seed=1",): 0.5, ("seed=2",): 0.9}
    ranking = ranked(jobs(values, "val/accuracy"), "val/accuracy")
    assert [one.value for one in ranking.jobs] == [0.9, 0.5]


@pytest.mark.parametrize(
    "values", [{("seed=1",): 0.5}, {("lr=1",): 0.5, ("lr=2",): 0.1}], ids=["one job", "no seeds"]
)
def test_there_is_no_table_of_seeds_without_seeds(values: dict[tuple[str, ...], float]) -> None:
    assert over_seeds(ranked(jobs(values), "auto")) == []
    assert "over seeds" not in tables(jobs(values), "auto")


def test_no_table_is_wider_than_the_terminal_of_the_docs() -> None:
    keys = [f"model.some_long_group.setting_{n}" for n in range(9)]
    some = []
    for number in range(12):
        words = [f"{key}=value{number % 3}{'y' * 40}" for key in keys] + [f"seed={number}"]
        metrics = {"train/loss": 1.0 / (1 + number), **dict.fromkeys("abcdefghijklmnopq", 1.0)}
        folder = f"{number:02d}_{'_'.join(words)}"[:80]
        some.append(JobState(number, words, folder, "", "completed", None, None, metrics))
    for line in tables(some, "auto").splitlines():
        folder = next((job.directory for job in some if f"  {job.directory}" in line), "")
        assert len(line) <= max(WIDTH, len("rank    train/loss") + 2 + len(folder)), line
    for job in sorted(some, key=lambda job: -job.number)[:10]:
        assert f"  {job.directory}  " in tables(some, "auto")  # whole, to be pasted


def test_other_metrics_have_the_room_that_is_left() -> None:
    some = jobs(grid(1, 2))
    for job in some:
        job.metrics = {"val/loss": 0.5 + job.number, "train/loss": 0.1, "val/accuracy": 0.9}
    header = tables(some, "auto").splitlines()[1]
    assert header.split() == ["rank", "folder", "seed", "val/loss", "train/loss", "val/accuracy"]


def test_twenty_jobs_are_listed_that_did_not_complete(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = SweepState(tmp_path, jobs(grid(5, 5), status="failed"))
    assert print_report(sweep, "auto") == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "25 of 25 jobs did not complete:"
    assert said[21:] == [
        "  and 5 more",
        f"to run these again: seedbed resume {tmp_path}",
        f"sweep: {tmp_path}",
    ]


def test_the_table_of_a_resumed_sweep_is_that_of_one_that_was_not(seedbed: Callable) -> None:
    grid = ["seed=1,2,3", "optimizer.lr=0.001,1e-2", "trainer.epochs=3", "sweep.fuse=never"]
    whole = seedbed("train", "-m", *grid, "hydra.sweep.dir=sweep")
    before = whole.out[whole.out.index("6 jobs by") :]
    told = json.loads((whole.sweep / "sweep.json").read_text())
    for job in told["jobs"][:2]:
        (whole.sweep / job["directory"] / "status.json").unlink()
        (whole.sweep / job["directory"] / "result.json").unlink()
    resumed = seedbed("resume", "sweep")
    assert resumed.code == 0, resumed.err
    assert resumed.out[resumed.out.index("6 jobs by") :] == before
