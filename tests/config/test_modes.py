"""What is typed for a sweep and does nothing in one run is told, and so the other way round."""

from collections.abc import Callable
from pathlib import Path

import pytest

OF_SWEEPS = [
    "hydra.sweep.dir=x", "hydra.sweep.subdir=x", "hydra.sweep={dir:x}", "sweep.settings=[{seed:1}]",
    "sweep.zip={seed:[1,2]}", "sweep.draw={optimizer.lr:[0.1]}", "sweep.draws=3",
    "sweep.exclude=[{seed:1}]", "+hydra.sweeper.params.seed='\"1,2\"'",
]  # fmt: skip


@pytest.mark.parametrize("word", OF_SWEEPS)
def test_one_run_refuses_what_asks_for_a_sweep(seedbed: Callable, word: str) -> None:
    result = seedbed("train", word)
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert result.errors[0].startswith(f"error: {word} is a sweep's, and this is one run; type ")
    assert "-m for a sweep" in result.errors[0]
    assert not Path("outputs").exists()


@pytest.mark.parametrize("word", ["hydra.run.dir=x", "hydra.run={dir:x}"])
@pytest.mark.parametrize("mode", ["-m", "hydra.mode=MULTIRUN"])
def test_a_sweep_refuses_the_folder_of_one_run(seedbed: Callable, word: str, mode: str) -> None:
    result = seedbed("train", mode, "seed=1,2", word)
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert "is one run's, and this is a sweep; type hydra.sweep.dir=FOLDER" in result.errors[0]
    assert not Path("x").exists()


@pytest.mark.parametrize("word", ["sweep.draws=5", "sweep.draw_seed=2"])
def test_a_number_of_draws_needs_something_to_draw(seedbed: Callable, word: str) -> None:
    result = seedbed("validate", "-m", "seed=1,2", word)
    assert result.code == 2
    assert result.err == (
        f"error: {word} changes nothing, as nothing is drawn; "
        "type sweep.draw={KEY:{low:LOW,high:HIGH}}\n"
    )
    words = ["-m", word, "sweep.draw={optimizer.lr:{low:0.001,high:0.002}}"]
    assert seedbed("validate", *words).code == 0


@pytest.mark.parametrize(
    "word", ["sweep.workers=2", "sweep.fuse=never", "sweep.plot=true", "hydra/launcher=basic"]
)
def test_one_run_notes_what_only_says_how_jobs_are_run(seedbed: Callable, word: str) -> None:
    result = seedbed("validate", word)
    assert result.code == 0
    note = f"note: {word} is about the jobs of a sweep, and changes nothing in one run; "
    assert note in result.out
    assert "is about the jobs" not in seedbed("validate", "-m", "seed=1,2", word).out


def test_what_stands_in_yaml_for_both_modes_is_taken_in_each(seedbed: Callable) -> None:
    Path("conf/experiment").mkdir(parents=True)
    Path("conf/experiment/both.yaml").write_text(
        "# @package _global_\n"
        "hydra: {run: {dir: one}, sweep: {dir: many}}\n"
        "sweep: {workers: 0, draws: 3, exclude: [{seed: 9}]}\n"
    )
    words = ["experiment=both", "trainer.epochs=1"]
    one = seedbed("train", *words)
    assert (one.code, one.run.name) == (0, "one")
    assert "changes nothing" not in one.out
    many = seedbed("train", "-m", *words, "seed=1,2")
    assert (many.code, many.sweep.name) == (0, "many")


def test_only_a_key_below_an_empty_mapping_asks_for_a_plus(seedbed: Callable) -> None:
    told = seedbed("validate", "hydra.callbacks.one=1", "optimzer.lr=1").errors
    assert told == [
        "error: no key 'hydra.callbacks.one'; type +hydra.callbacks.one=VALUE",
        "error: no key 'optimzer.lr'; did you mean 'optimizer.lr'?",
    ]


def test_a_key_below_an_empty_mapping_of_a_class_that_is_no_name(
    seedbed: Callable,
) -> None:
    Path("conf/optimizer").mkdir(parents=True)
    Path("conf/optimizer/odd.yaml").write_text("_target_: [Adam]\nx: {}\n")
    told = seedbed("validate", "optimizer=odd", "optimizer.x.y=1").errors
    assert told == ["error: no key 'optimizer.x.y'; type +optimizer.x.y=VALUE"]


def test_a_sweep_in_hydras_own_mode_is_a_sweep(seedbed: Callable) -> None:
    words = ["hydra.mode=MULTIRUN", "seed=1,2", "sweep.fuse=never", "hydra.sweep.dir=x"]
    assert seedbed("validate", *words).out == "valid: 2 jobs\n"


@pytest.mark.parametrize("mode", [[], ["-m"]], ids=["run", "sweep"])
def test_two_options_of_one_group_are_not_merged(seedbed: Callable, mode: list[str]) -> None:
    result = seedbed("validate", *mode, "optimizer=[sgd,adam]")
    assert result.code == 2
    assert result.errors[0].endswith(
        "optimizer has one option, got [sgd,adam]; for a sweep type -m optimizer=sgd,adam"
    )
    assert seedbed("validate", "-m", "optimizer=sgd,adam").code == 0


def test_exclusions_that_leave_out_none_are_noted(seedbed: Callable) -> None:
    words = ["optimizer.lr=1e-3,0.01", "loader.shuffle=True,False", "sweep.exclude="]
    result = seedbed("validate", "-m", *words[:2], words[2] + "[{loader.shuffle:true}]")
    assert result.out == "valid: 2 jobs\n"
    result = seedbed("validate", "-m", *words[:2], words[2] + "[{loader.batch_size:2}]")
    assert result.out.splitlines() == [
        "note: sweep.exclude: no job sets loader.batch_size=2, so none is left out for it",
        "valid: 4 jobs",
    ]


def test_a_key_that_is_typed_twice_is_noted(seedbed: Callable) -> None:
    note = "note: seed is typed more than once; seed=2 takes the place of seed=1"
    assert note in seedbed("validate", "seed=1", "seed=2").out
    note = "note: optimizer.lr is typed more than once; optimizer.lr=0.1,0.2 takes the place of"
    assert note in seedbed("validate", "-m", "optimizer.lr=0.3", "optimizer.lr=0.1,0.2").out
    assert "more than once" not in seedbed("validate", "seed=1", "seed=1").out


def test_an_option_of_none_is_left_out(seedbed: Callable) -> None:
    assert (
        seedbed("validate", "experiment=null").errors[0].endswith("; for none leave experiment out")
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["resume", "RUN", "--changed"], "--changed is for a sweep"),
        (["resume", "RUN", "--config-dir", "."], "--config-dir is for a sweep"),
        (["summary", "RUN", "--config-dir", "."], "--config-dir is for overrides, not for a run"),
        (["inspect", "RUN", "--weights", "--config-dir", "."], "is for overrides, not for a run"),
        (["inspect", "RUN", "--weights", "--input", "[[1,2]]"], "--input goes with --layer NAME"),
        (["inspect", "seed=1", "--weights", "--checkpoint", "last"], "is for a run, not for"),
    ],
)
def test_a_flag_that_would_change_nothing_is_refused(
    seedbed: Callable, sum_run: Path, words: list[str], said: str
) -> None:
    result = seedbed(*(str(sum_run) if word == "RUN" else word for word in words))
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert said in result.errors[0]
