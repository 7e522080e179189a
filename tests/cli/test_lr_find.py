"""`seedbed lr-find`: every rate is what a run of it comes to, and nothing is left behind."""

import json
import math
from pathlib import Path

import pytest
from support import single_runs
from support.command_line import Command

from seedbed.errors import ArgumentError, RunDirectoryError
from seedbed.sweep.rate_curve import RateCurve
from seedbed.sweep.rate_trial import spread_rates

IRIS = ("data=sklearn", "data.dataset=iris", "loader.batch_size=16", "optimizer=adam")


def curve(*losses: list[float]) -> RateCurve:
    rates = [10.0**n for n in range(len(losses))]
    return RateCurve(rates, list(losses), [0, 1, 2][: len(losses[0])], 2, 10, together=True)


def test_each_loss_is_that_of_a_run(seedbed: Command, tmp_path: Path) -> None:
    words = ("--rates", "3", "--from", "0.001", "--to", "0.1", "--seeds", "2", "--steps", "20")
    done = seedbed("lr-find", *IRIS, "seed=3", *words, "--json")
    assert (done.code, done.err) == (0, "")
    told = json.loads(done.out)
    assert (told["rates"], told["seeds"]) == ([0.001, 0.01, 0.1], [3, 4])
    assert (told["epochs"], told["steps"], told["together"]) == (3, 21, True)
    for rate, losses in zip(told["rates"], told["losses"], strict=True):
        for seed, loss in zip(told["seeds"], losses, strict=True):
            run = single_runs.train(
                tmp_path / f"{rate}-{seed}", *IRIS, f"seed={seed}", f"optimizer.lr={rate}",
                "trainer.epochs=3",
            )  # fmt: skip
            assert loss == pytest.approx(run.history["train/loss"][-1], rel=1e-4)
    means = [sum(one) / 2 for one in told["losses"]]
    assert told["suggested"] == told["rates"][means.index(min(means))]


def test_nothing_is_written_but_the_picture(seedbed: Command, tmp_path: Path) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    done = seedbed("lr-find", "--rates", "4", "--steps", "4", "--output", "rates.svg")
    assert done.out.splitlines()[-1].startswith("suggested: optimizer.lr=")
    assert {path.name for path in tmp_path.iterdir()} - before == {"rates.svg"}
    assert "optimizer.lr" in (tmp_path / "rates.svg").read_text()


@pytest.mark.parametrize("name", ["s3://lake/rates.png", "."])
def test_a_picture_that_cannot_be_written_is_told_before(seedbed: Command, name: str) -> None:
    done = seedbed("lr-find", "--output", name)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert done.err.startswith("error: --output: ")


def test_what_was_tried_is_told_where_its_picture_cannot_be_written(
    seedbed: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise RunDirectoryError("cannot write 'rates.png': No space left on device")

    monkeypatch.setattr("seedbed.views.drawing.save", full)
    done = seedbed("lr-find", "--rates", "2", "--steps", "2", "--output", "rates.png")
    assert (done.code, done.err) == (
        2,
        "error: cannot write 'rates.png': No space left on device\n",
    )
    assert done.out.splitlines()[-1].startswith("suggested: optimizer.lr=")
    assert "picture" not in done.out


def test_jobs_that_do_not_train_together_run_one_by_one(seedbed: Command) -> None:
    words = ("--rates", "2", "--seeds", "1", "--steps", "4", "--from", "0.001", "--to", "0.002")
    done = seedbed("lr-find", "optimizer=asgd", *words)
    assert "one by one: optimizer torch.optim.ASGD is not one that fuses" in done.err + done.out
    assert "trained one by one" in done.out


def test_groups_with_rates_of_their_own_are_told(seedbed: Command) -> None:
    groups = "optimizer.groups={head:{params:'^hidden_to',lr:0.01}}"
    done = seedbed("lr-find", groups, "--rates", "2", "--steps", "4")
    assert done.code == 0
    assert "optimizer.groups: head keep rates of their own" in done.out + done.err


def test_what_does_not_belong_to_a_rate_is_left_out(seedbed: Command) -> None:
    words = (*IRIS, "--rates", "2", "--steps", "14", "--json")
    plain = json.loads(seedbed("lr-find", *words).out)
    beside = ("scheduler=step", "scheduler.step_size=1", "trainer.early_stopping=1")
    assert json.loads(seedbed("lr-find", *words, *beside, "trainer.max_steps=3").out) == plain
    watched = (
        "trainer.detect_anomaly=true",
        "trainer.log_graph=true",
        "trainer.log_every='2 steps'",
    )
    averaged = ("trainer.select=swa", "trainer.swa_start=20", "trainer.epochs=50")
    assert json.loads(seedbed("lr-find", *words, *watched, *averaged).out) == plain


def test_a_rate_that_a_group_has_of_its_own_stays_and_is_told(seedbed: Command) -> None:
    groups = "optimizer.groups={head: {params: '^hidden_to', lr: 0.5}}"
    done = seedbed("lr-find", groups, "--rates", "2", "--steps", "2", "--seeds", "1")
    assert (
        "note: optimizer.groups.head.lr=0.5 stays: the rates are those of the other parameters"
        in done.err
    )


def test_a_rate_where_one_seed_diverges_is_not_suggested(seedbed: Command) -> None:
    assert curve([2.0, 2.0], [0.1, math.inf], [1.0, 1.2]).suggested == 100.0
    assert curve([math.inf]).suggested is None
    done = seedbed("lr-find", "--from", "1e20", "--to", "1e25", "--rates", "2")
    assert done.code == 1
    assert "no rate is suggested: all diverged; type a smaller --from" in done.out


def test_rates_as_good_lie_beside_the_best() -> None:
    found = curve([1.0, 1.0], [0.52, 0.5], [0.4, 0.6], [9.0, 9.0], [0.5, 0.5])
    assert found.suggested == 100.0
    assert found.as_good == (10.0, 100.0)
    assert curve([1.0], [0.5]).as_good is None
    assert curve([1.0], [0.5]).at_an_end
    assert not found.at_an_end


def test_rates_are_at_equal_ratios() -> None:
    assert spread_rates(1e-4, 1.0, 5) == [1e-4, 1e-3, 1e-2, 0.1, 1.0]
    assert spread_rates(1e-320, 1e300, 3)[1:] == [1e-10, 1e300]
    with pytest.raises(ArgumentError, match="0 < from < to, got 1 and"):
        spread_rates(1.0, 0.1, 5)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--from", "0"), "--from and --to must be rates with 0 < from < to"),
        (("--to", "inf"), "--from and --to must be rates with 0 < from < to"),
        (("--rates", "1"), "--rates must be a whole number >= 2, got 1"),
        (
            ("--rates", "100000000"),
            "--rates must be a whole number >= 2 and <= 1000, got 100000000",
        ),
        (("--seeds", "0"), "--seeds must be a whole number >= 1 and <= 1000, got 0"),
        (("--steps", "-1"), "--steps must be a whole number >= 1, got -1"),
        (("--output", "none/a.png"), "--output: no folder 'none'; make it first"),
        (("--output", "a.txt"), "must end in .png, .svg or .pdf"),
        (("optimizer.groups={all:{params:'.',lr:0.1}}",), "are in groups with rates of their own"),
        (("optimizer.lrr=1",), "did you mean 'optimizer.lr'?"),
        (("seed=1,2",), "seed"),
        (("--config-dir", "none"), "--config-dir: no folder 'none'"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_mistake_is_one_line(seedbed: Command, words: tuple[str, ...], error: str) -> None:
    done = seedbed("lr-find", *words)
    assert (done.code, len(done.errors)) == (2, 1), done.err
    assert error in done.err
