"""`run.log` holds what was said on the terminal, with times."""

import json
import re
from pathlib import Path

import pytest
from support.command_line import Command

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} "
VALIDATED = [
    "data=sklearn", "data.dataset=diabetes", "model.hidden=[16]", "optimizer=adam",
    "loader.batch_size=64", "trainer.epochs=12",
]  # fmt: skip


def logged(run: Path) -> list[str]:
    """The lines of the log, each without its time."""
    lines = (run / "run.log").read_text().splitlines()
    return [re.sub(rf"^{TIME}(INFO|ERROR) seedbed: ", "", line) for line in lines]


def said(out: str) -> list[str]:
    """What a run says of itself: not what to type next, nor the time left."""
    lines, skip = [], False
    for line in out.splitlines():
        skip = line == "next:" or (skip and line.startswith("  "))
        if line and not skip and not line.startswith("run: "):
            lines.append(re.sub(r"  \d+ s left$", "", line))
    return lines


def test_a_run_that_went_well_has_all_that_was_printed(seedbed: Command) -> None:
    result = seedbed("train", *VALIDATED)
    printed = said(result.out)
    assert len([line for line in printed if line.startswith("epoch ")]) == 12
    assert [line for line in logged(result.run) if line and line != "the model:"] == printed
    log = (result.run / "run.log").read_text().splitlines()
    assert all(re.match(TIME, line) for line in log if "epoch" in line)


def test_going_on_appends_to_it(seedbed: Command) -> None:
    run = seedbed("train", *VALIDATED, "trainer.epochs=3").run
    before = logged(run)
    again = seedbed("resume", run, "trainer.epochs=6")
    after = logged(run)
    assert after[: len(before)] == before
    assert "going on in epoch 4 after step 15" in after[len(before) :]
    assert set(said(again.out)) <= set(after)


def test_the_closing_line_names_the_epoch_of_each_number(seedbed: Command) -> None:
    overfit = [*VALIDATED, "optimizer.lr=0.03", "model.hidden=[64]", "trainer.epochs=40"]
    result = seedbed("train", *overfit)
    told = json.loads((result.run / "result.json").read_text())
    best, last = told["best"]["epoch"], told["epochs"]
    assert best < last == 40
    (line,) = [one for one in result.out.splitlines() if one.startswith("completed after 40")]
    parts = dict.fromkeys(re.findall(r"(\S+) [-\d.e+]+(?=  | \()", line.partition(": ")[2]))
    assert list(parts) == list(told["metrics"])
    assert re.search(
        rf"train/loss \S+ \(epoch {last}\)  val/loss .*\(epoch {best}, the best\)$", line
    )
    expected = {name: last if name == "train/loss" else best for name in told["metrics"]}
    assert told["measured_at"] == expected


def test_an_early_stop_is_in_the_closing_line(seedbed: Command) -> None:
    words = [
        "optimizer.lr=0.03",
        "model.hidden=[64]",
        "trainer.epochs=80",
        "trainer.early_stopping=3",
    ]
    result = seedbed("train", *VALIDATED, *words)
    told = json.loads((result.run / "result.json").read_text())
    assert f"(stopped early, epoch {told['best']['epoch']} was best)" in logged(result.run)[-1]


@pytest.mark.parametrize("fuse", ["always", "never"])
def test_every_job_of_a_sweep_has_its_own(seedbed: Command, fuse: str) -> None:
    result = seedbed("train", "-m", *VALIDATED, "seed=1,2,3", f"sweep.fuse={fuse}")
    assert result.code == 0, result.err
    for run in sorted(result.sweep.glob("*_seed=*")):
        lines = logged(run)
        told = json.loads((run / "result.json").read_text())
        assert lines[-1].startswith("completed after 12 epochs, ")
        assert f"val/r2 {told['metrics']['val/r2']:.5g}" in lines[-1]
        assert any(line.startswith("310 rows to train on") for line in lines)
        assert all(re.match(TIME, line) for line in (run / "run.log").read_text().splitlines())


def test_a_run_that_diverged_says_where(seedbed: Command) -> None:
    result = seedbed("train", "optimizer.lr=1e6")
    assert result.code == 1
    assert any(line.startswith("diverged: train/loss is ") for line in logged(result.run))
