"""Defaults that fit the data: the article's rows have the article's, tables have their own."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.command_line import Command
from support.single_runs import train

from seedbed.compose.compose import ConfigSource, composed
from seedbed.compose.sweeps import composed_sweep
from seedbed.data.batch_sizes import evaluation_rows, rows_a_batch

ARTICLE = ("SGD", 2, [8], 50, None)
TABLE = ("AdamW", "auto", [64, 32], 200, 20)
CSV = ["data=csv", "data.path=rows.csv", "data.target=y"]
OTHERS = ["data=parquet", "data.path=rows.parquet", "data.target=y"]


def settings(plain: dict[str, Any]) -> tuple[Any, ...]:
    stopping = plain["trainer"]["early_stopping"]
    return (
        plain["optimizer"]["_target_"].rpartition(".")[2],
        plain["loader"]["batch_size"],
        plain["model"].get("hidden"),
        plain["trainer"]["epochs"],
        stopping["patience"] if isinstance(stopping, dict) else stopping,
    )


def settings_of(*words: str, folder: Path | None = None) -> tuple[Any, ...]:
    return settings(composed(words, ConfigSource(folder)).resolved)


@pytest.mark.parametrize(
    "words",
    [CSV, OTHERS, ["experiment=table", *CSV], ["data=sklearn", "preset=table"]],
    ids=lambda words: words[0],
)
def test_tables_have_the_settings_of_tables(words: list[str]) -> None:
    assert settings_of(*words) == TABLE
    assert settings_of(*words, "model=sequential") == TABLE
    assert settings_of(*words, "preset=article") == ARTICLE


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["data=sum"],
        ["model=sequential"],
        ["data=sklearn"],
        ["data=npz", "data.path=rows.npz"],
        ["data=dataset", "+data.train._target_=a.B"],
    ],
)
def test_the_article_s_stay_the_article_s(words: list[str]) -> None:
    assert settings_of(*words) == ARTICLE


WINS = {
    "an optimizer": ("optimizer=sgd", ("SGD", *TABLE[1:])),
    "its rate": ("optimizer.lr=0.5", TABLE),
    "a trainer": ("trainer=quick", (*TABLE[:3], 5, 20)),
    "a longer trainer": ("trainer=long", (*TABLE[:3], 500, 50)),
    "a loader": ("loader=full_batch", ("AdamW", None, *TABLE[2:])),
    "a batch size": ("loader.batch_size=7", ("AdamW", 7, *TABLE[2:])),
    "widths": ("model.hidden=[3]", ("AdamW", "auto", [3], 200, 20)),
    "epochs": ("trainer.epochs=3", (*TABLE[:3], 3, 20)),
    "no early stopping": ("trainer.early_stopping=null", (*TABLE[:4], None)),
    "early stopping": ("trainer.early_stopping.patience=3", (*TABLE[:4], 3)),
    "a value of the preset": ("preset.epochs=9", (*TABLE[:3], 9, 20)),
    "a model with bare weights": ("model=manual", ("AdamW", "auto", [8], 200, 20)),
}


@pytest.mark.parametrize(("word", "expected"), WINS.values(), ids=WINS)
def test_what_is_typed_goes_before(word: str, expected: tuple[Any, ...]) -> None:
    assert settings_of(*CSV, word) == expected


@pytest.mark.parametrize("experiment", ["diabetes", "breast_cancer", "digits", "digits_mlp"])
def test_experiments_say_their_own(experiment: str) -> None:
    kind, size, _, epochs, patience = settings_of(f"experiment={experiment}")
    assert (kind in ("Adam", "AdamW"), isinstance(size, int), patience) == (True, True, None)
    assert (
        epochs == {"diabetes": 40, "breast_cancer": 100, "digits": 20, "digits_mlp": 40}[experiment]
    )


class TestAFolderOfOnesOwn:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        files = {
            "data/mine.yaml": "defaults: [csv]\npath: rows.csv\ntarget: y\n",
            "experiment/mine.yaml": "# @package _global_\ndefaults:\n  - override /data: mine\n"
            "  - override /optimizer: adam\ntrainer: {epochs: 6}\n",
            "model/mine.yaml": "_target_: my.Net\nwidth: 3\n",
        }
        for name, text in files.items():
            path = tmp_path / "conf" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "conf"

    def test_a_table_of_ones_own_has_them_too(self, folder: Path) -> None:
        assert settings_of("data=mine", folder=folder) == TABLE
        expected = ("Adam", "auto", [64, 32], 6, 20)
        assert settings_of("experiment=mine", folder=folder) == expected
        assert settings_of("experiment=mine", "optimizer=sgd", folder=folder)[0] == "SGD"

    def test_a_config_of_ones_own_goes_before(self, folder: Path) -> None:
        (folder / "config.yaml").write_text(
            "defaults:\n  - seedbed\n  - override data: mine\n  - _self_\ntrainer: {epochs: 7}\n"
        )
        assert settings_of(folder=folder) == (*TABLE[:3], 7, 20)

    def test_an_option_for_a_model_of_ones_own_gets_no_widths(self, folder: Path) -> None:
        assert composed(["data=mine", "model=mine"], ConfigSource(folder)).resolved["model"] == {
            "_target_": "my.Net",
            "width": 3,
        }


def test_every_job_of_a_sweep_has_what_a_run_of_its_own_has() -> None:
    lists = ["preset=table,article", "model.hidden=[3],[4,5]", "trainer.epochs=2,3"]
    sweep = composed_sweep(lists)
    assert sweep is not None
    assert len(sweep.jobs) == 8
    for job in sweep.jobs:
        assert job.resolved == composed(job.overrides).resolved
    assert {settings(job.resolved)[0] for job in sweep.jobs} == {"AdamW", "SGD"}


def test_left_over_widths_are_no_argument_of_a_class_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bare_net.py").write_text(
        "from torch import nn\n\n\nclass Net(nn.Linear):\n"
        "    def __init__(self, in_features, out_features):\n"
        "        super().__init__(in_features, out_features)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    words = ["data=sklearn", "data.dataset=diabetes", "trainer.epochs=1", "preset=table"]
    run = train(tmp_path / "run", *words, "model._target_=bare_net.Net", "allow=[bare_net]")
    assert isinstance(run.plan.model, torch.nn.Linear)


@given(rows=st.integers(1, 10**7))
def test_a_batch_of_auto_fits_the_rows(rows: int) -> None:
    size = rows_a_batch("auto", rows)
    assert size == rows or size in (32, 64, 128, 256, 512, 1024)
    assert size <= rows
    assert -(-rows // size) <= 128 or size == 1024
    assert size <= 32 or rows > 64 * size, "no larger than it has to be"


def test_batches_of_auto_and_their_number(tmp_path: Path) -> None:
    words = ["data=sklearn", "data.dataset=diabetes", "trainer.epochs=1", "preset=table"]
    auto, fixed = (
        train(tmp_path / str(size), *words, f"loader.batch_size={size}") for size in ("auto", 32)
    )
    assert auto.history == fixed.history
    assert evaluation_rows("auto", 100) == evaluation_rows(32, 100)


def test_a_stack_has_the_batches_of_single_runs(tmp_path: Path) -> None:
    from support.stacked_runs import assert_alike, fused, singly

    jobs = [
        ["data=sklearn", "data.dataset=diabetes", "preset=table", "trainer.epochs=2", f"seed={n}"]
        for n in "01"
    ]
    assert_alike(fused(jobs), singly(tmp_path, jobs))


@pytest.mark.parametrize("wrong", ["0", "automatic", "1.5", "[2]", "true"])
def test_what_is_no_batch_size_is_refused(seedbed: Command, wrong: str) -> None:
    result = seedbed("validate", "data=sklearn", f"loader.batch_size={wrong}")
    assert result.code == 2
    (error,) = result.errors
    wanted = "error: loader.batch_size must be a whole number >= 1 or one of auto, largest or null"
    assert error.startswith(wanted)


def test_the_first_command_of_a_newcomer(seedbed: Command, tmp_path: Path) -> None:
    lines = [f"{n},{n % 7},{'ab'[n % 2]}" for n in range(60)]
    (tmp_path / "rows.csv").write_text("\n".join(["w,h,y", *lines]) + "\n")
    result = seedbed("train", *CSV, "trainer.epochs=2")
    assert result.code == 0, result.err
    config = yaml.safe_load((result.run / "config.yaml").read_text())
    assert settings(config) == ("AdamW", "auto", [64, 32], 2, 20)
