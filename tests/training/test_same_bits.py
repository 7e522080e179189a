"""One config, the same bits: whatever ran before, and however it is watched."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.single_runs import Trained, prepared, same_weights, train

from seedbed.views.summary import model_table

RUNS = {
    "article": [],
    "dropout": ["data=sklearn", "data.dataset=iris", "loader.batch_size=16", "model.dropout=0.4",
                "model.batch_norm=true", "trainer.epochs=4", "optimizer=adam"],
}  # fmt: skip


@pytest.fixture(scope="module", params=RUNS)
def first(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return _again(tmp_path_factory.mktemp("first"), request.param)


def _again(path: Path, name: str, *more: str) -> Trained:
    return train(path / name, *RUNS[name], *more)


def _name(first: Trained) -> str:
    return first.directory.root.name


def _same(one: Trained, other: Trained) -> bool:
    return same_weights(one.weights, other.weights) and one.history == other.history


@pytest.mark.parametrize(
    "watching",
    [
        [],
        ["trainer.log_every=3"],
        ["trainer.log_every='1 step'"],
        ["trainer.checkpoint_every=1"],
        ["trainer.checkpoint_every='1 step'"],
        ["trainer.log_histograms=true"],
        ["trainer.log_graph=true"],
        ["loader.num_workers=2"],
    ],
    ids=lambda words: " ".join(words) or "just so",
)
def test_a_second_run_has_the_same_bits(
    tmp_path: Path, first: Trained, watching: list[str]
) -> None:
    workers = watching == ["loader.num_workers=2"]
    shorter = ["trainer.epochs=2"] if workers else []  # processes start anew in every epoch
    name = _name(first)
    expected = _again(tmp_path / "expected", name, *shorter) if workers else first
    assert _same(_again(tmp_path, name, *watching, *shorter), expected)


def test_what_ran_before_does_not_matter(tmp_path: Path, first: Trained) -> None:
    torch.manual_seed(12345)
    train(tmp_path / "other", "model=manual", "seed=7", "trainer.epochs=3")
    torch.rand(17)
    assert _same(_again(tmp_path, _name(first)), first)


def test_the_summary_does_not_matter(tmp_path: Path, first: Trained) -> None:
    _, plan = prepared(*RUNS[_name(first)])
    before = {name: tensor.clone() for name, tensor in plan.model.state_dict().items()}
    model_table(plan.model, plan.data.preprocessing.input_shape)
    assert same_weights(plan.model.state_dict(), before)
    assert _same(_again(tmp_path, _name(first)), first)


def test_two_threads_add_up_the_article_s_rows_as_one_does(tmp_path: Path) -> None:
    """Of layers that share their sums among threads, such as BatchNorm, this is not so."""
    one, two = (_again(tmp_path / n, "article", f"trainer.threads={n}") for n in "12")
    assert _same(one, two)


def test_another_seed_has_other_bits(tmp_path: Path, first: Trained) -> None:
    assert not same_weights(_again(tmp_path, _name(first), "seed=1").weights, first.weights)


def test_the_hash_of_the_config_is_that_of_the_run_alone(tmp_path: Path, first: Trained) -> None:
    again, other = (
        _again(tmp_path / "a", _name(first)),
        _again(tmp_path / "b", _name(first), "seed=1"),
    )
    assert again.result["config_hash"] == first.result["config_hash"]
    assert other.result["config_hash"] != first.result["config_hash"]


@pytest.mark.parametrize("words", [[], ["model.batch_norm=true", "model.dropout=0.3"]])
def test_validation_rows_do_not_change_what_is_learnt(tmp_path: Path, words: list[str]) -> None:
    rows = "".join(f"{i},{i * i % 11},{3 * i + i % 5}\n" for i in range(40))
    (tmp_path / "train.csv").write_text("a,b,y\n" + rows)
    (tmp_path / "held.csv").write_text("a,b,y\n" + rows.splitlines(keepends=True)[3] * 9)
    table = ["data=csv", f"data.path={tmp_path / 'train.csv'}", "data.target=y", *words]
    table += ["data.split={validation: 0, test: 0}", "loader.batch_size=8", "trainer.epochs=3"]
    alone = train(tmp_path / "alone", *table, "trainer.select=last")
    held = f"data.validation_path={tmp_path / 'held.csv'}"
    watched = train(tmp_path / "watched", *table, held, "trainer.select=last")
    assert "val/loss" in watched.history
    assert alone.history["train/loss"] == watched.history["train/loss"]
    assert same_weights(alone.weights, watched.weights)


def test_the_order_of_a_sweep_does_not_matter(tmp_path: Path, seedbed: Callable) -> None:
    weights = {}
    for name, seeds in (("up", "1,2,3"), ("down", "3,2,1")):
        words = [f"seed={seeds}", "trainer.epochs=3", "model.dropout=0.2"]
        seedbed("train", "-m", *words, f"hydra.sweep.dir={name}")
        (file,) = (tmp_path / name).glob("*_seed=2/model.pth")
        weights[name] = torch.load(file, weights_only=True)
    assert same_weights(weights["up"], weights["down"])
