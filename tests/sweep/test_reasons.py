"""Why jobs of a sweep are not trained together is said, and said once."""

from collections.abc import Callable

import pytest

QUICK = ["trainer.epochs=1", "seed=1,2"]
RANDOM = "it draws at random, as dropout does; sweep.allow_random=true fuses it"
LOOKS = "trainer.log_histograms and trainer.log_graph look at one model"
SEVERAL = {
    "shapes": (
        ["model.dropout=0.1", "loader.batch_size=1,2,4"],
        f"6 jobs run singly: {RANDOM} (model CustomMLP)",
    ),
    "models": (
        ["trainer.log_graph=true", "model=custom,manual"],
        f"4 jobs run singly: {LOOKS} (model=custom, model=manual)",
    ),
}


@pytest.mark.parametrize("command", ["train", "validate"])
@pytest.mark.parametrize(("words", "told"), SEVERAL.values(), ids=SEVERAL)
def test_one_reason_of_several_groups_is_said_once(
    seedbed: Callable, command: str, words: list[str], told: str
) -> None:
    result = seedbed(command, "-m", *QUICK, *words)
    notes = [line for line in result.out.splitlines() if line.startswith("note:")]
    assert notes == [f"note: {told}"]


def test_two_reasons_are_each_said_once(seedbed: Callable) -> None:
    words = ["model.dropout=0.1", "trainer.log_graph=false,true", "loader.batch_size=2,4"]
    result = seedbed("validate", "-m", *QUICK, *words)
    notes = [line for line in result.out.splitlines() if line.startswith("note:")]
    assert notes == [
        f"note: 4 jobs run singly: {LOOKS} (model CustomMLP)",
        f"note: 4 jobs run singly: {RANDOM} (model CustomMLP)",
    ]


def test_jobs_without_their_like_are_said_to_run_singly(seedbed: Callable) -> None:
    result = seedbed("train", "-m", "model.hidden=[4],[5]", "trainer.epochs=1")
    assert (
        "note: 2 jobs run singly: no other job has the same shape (model CustomMLP)" in result.out
    )
    assert "singly" not in seedbed("train", "-m", "seed=3", "trainer.epochs=1").out


def test_always_names_each_reason_once(seedbed: Callable) -> None:
    words = ["model.dropout=0.1", "loader.batch_size=1,2,4", "sweep.fuse=always"]
    result = seedbed("train", "-m", *QUICK, *words)
    assert result.code == 2
    told = f"error: sweep.fuse=always: 6 jobs cannot fuse: {RANDOM} (model CustomMLP)"
    assert result.err == f"{told}; type sweep.fuse=auto\n"


def test_a_run_in_the_working_directory_is_no_job_of_the_sweep(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = seedbed("train", "trainer.epochs=1").run
    status = (run / "status.json").read_text().replace('"completed"', '"interrupted"')
    (run / "status.json").write_text(status)
    monkeypatch.chdir(run)
    result = seedbed("validate", "-m", "trainer.epochs=1", "seed=0,1")
    assert (result.code, result.out) == (0, "valid: 2 jobs\n")
