"""Rows of several tensors and of unequal length in a stack, against runs on their own."""

from pathlib import Path

import numpy as np
import pytest
import torch
from support.single_runs import prepared, same_weights, train

import seedbed
from seedbed.data.nested import Padded, mapped, named_tensors
from seedbed.data.packing import PackedRows
from seedbed.errors import ConfigError, DataError

PARTS = "support.own_parts.sequences"
WORDS = ["data=dataset", "data.target=label", "allow=[support]", "loader.collate=pad"]
WORDS += ["data.split={validation:0.2}", "loader.batch_size=8", "trainer.epochs=2"]
WORDS += ["optimizer=adam", "optimizer.lr=0.02", "data.in_memory=true"]


def words(model: str, kind: str, *more: str) -> list[str]:
    rows = f"data.train={{_target_:{PARTS}.Sequences,kind:{kind}}}"
    return [*WORDS, rows, f"model._target_={PARTS}.{model}", *more]


def stacked(path: Path) -> list[str]:
    return ["seed=1,2", "sweep.fuse=always", "sweep.workers=0", f"hydra.sweep.dir={path / 's'}"]


def histories(*runs: seedbed.Run) -> np.ndarray:
    names = ("train/loss", "val/loss")
    return np.array([run.history[name] for run in runs for name in names if name in run.history])


@pytest.mark.parametrize(
    ("model", "kind", "more"),
    [
        ("Masked", "mapping", []),
        ("Masked", "alone", [f"step={{_target_:{PARTS}.step}}"]),
        ("Masked", "alone", ["trainer.accumulate=2", "trainer.select=ema"]),
        ("TwoLengths", "two", ["loader.pad_value=3"]),
        ("Masked", "alone", ["loader.buckets=3", "data.split.seed=0", "trainer.max_steps=5"]),
    ],
)
def test_a_stack_trains_as_its_runs_alone(
    tmp_path: Path, model: str, kind: str, more: list[str]
) -> None:
    line = words(model, kind, *more)
    sweep = seedbed.sweep(*line, *stacked(tmp_path))
    alone = [seedbed.train(*line, f"seed={n}", directory=tmp_path / str(n)) for n in (1, 2)]
    np.testing.assert_allclose(histories(*sweep), histories(*alone), rtol=2e-5)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("Packed", "vmap does not take packed sequences; with `mask` in place of `lengths` it may"),
        ("Careless", "its outputs depend on how far rows are filled up"),
        ("Highest", "its outputs depend on how far rows are filled up"),
        ("Normed", "its outputs depend on how far rows are filled up"),
    ],
)
def test_what_cannot_be_stacked_says_why(tmp_path: Path, model: str, told: str) -> None:
    with pytest.raises(ConfigError, match=f"2 jobs cannot fuse: {told}"):
        seedbed.sweep(*words(model, "alone,longest:90"), *stacked(tmp_path))


@pytest.mark.parametrize("low", [3, 401])
def test_one_row_of_many_that_tells_forbids_a_stack(tmp_path: Path, low: int) -> None:
    line = words("Peaks", f"alone,rows:600,longest:40,low:{low}")
    with pytest.raises(ConfigError, match="2 jobs cannot fuse: its outputs depend on how far"):
        seedbed.sweep(*line, *stacked(tmp_path))


def test_a_step_that_looks_at_what_fills_rows_is_not_stacked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot fuse: its step depends on how far rows are"):
        seedbed.sweep(
            *words("Masked", "alone", f"step={{_target_:{PARTS}.careless_step}}"),
            *stacked(tmp_path),
        )


@pytest.mark.parametrize(("model", "kind"), [("Packed", "mapping"), ("TwoLengths", "two")])
def test_rows_in_memory_give_the_bits_of_rows_that_are_read(
    tmp_path: Path, model: str, kind: str
) -> None:
    kept = train(tmp_path / "kept", *words(model, kind))
    read = train(tmp_path / "read", *words(model, kind, "data.in_memory=false"))
    assert same_weights(kept.weights, read.weights)
    assert kept.history == read.history


def test_rows_come_out_as_they_went_in() -> None:
    _, kept = prepared(*words("TwoLengths", "two"))
    _, read = prepared(*words("TwoLengths", "two", "data.in_memory=false"))
    assert isinstance(kept.data.train, PackedRows)
    for number in range(len(kept.data.train)):
        (x, y), (own, its) = kept.data.train[number], read.data.train[number]
        assert named_tensors(x).keys() == named_tensors(own).keys()
        assert all(torch.equal(x[key], own[key]) and x[key].dtype == own[key].dtype for key in own)
        assert torch.equal(y, its)
    for (x, _), (own, _) in zip(kept.train.epoch(0), read.train.epoch(0), strict=True):
        assert isinstance(x, Padded)
        assert mapped(torch.Tensor.tolist, x) == mapped(torch.Tensor.tolist, own)


def test_plain_rows_in_memory_are_tensors_and_fuse(tmp_path: Path) -> None:
    line = ["data=dataset", "data.train={_target_:support.own_parts.sequences.Points}"]
    line += ["allow=[support]", "trainer.epochs=1", "data.in_memory=true"]
    sweep = seedbed.sweep(*line, *stacked(tmp_path))
    alone = seedbed.train(*line, "seed=2", directory=tmp_path / "2")
    np.testing.assert_allclose(histories(sweep[1]), histories(alone), rtol=2e-5)


def test_a_layer_of_torch_s_takes_several_tensors(tmp_path: Path) -> None:
    line = ["data=dataset", f"data.train={{_target_:{PARTS}.Pairs}}", "allow=[support]"]
    line += ["data.in_memory=true", "trainer.epochs=1", "model._target_=torch.nn.Bilinear"]
    line += ["+model.in1_features=3", "+model.in2_features=2"]
    sweep = seedbed.sweep(*line, *stacked(tmp_path))
    alone = seedbed.train(*line, "seed=2", directory=tmp_path / "2")
    np.testing.assert_allclose(histories(sweep[1]), histories(alone), rtol=2e-5)


def test_rows_that_take_more_memory_than_there_is_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("seedbed.data.packing.free_memory_bytes", lambda: 8000)
    told = r"would take .* for 40 rows, each as long as the longest \(9\); 8e-06 GB are free"
    with pytest.raises(DataError, match=told):
        prepared(*words("Packed", "alone"))


def test_numbers_that_cannot_be_kept_are_refused() -> None:
    with pytest.raises(
        DataError, match=r"Sequences\[2\] gives x\.tokens with a whole number beyond"
    ):
        prepared(*words("TwoLengths", "large"))
    with pytest.raises(ConfigError, match=r"data.in_memory=true reads every row, and data.check"):
        prepared(*words("TwoLengths", "two", "data.check_rows=5"))
