"""A user's own Dataset: its shapes and task are learnt from it, and it trains like any other."""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from support.single_runs import Trained, prepared, same_weights, train
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from seedbed.data.json_rows import rows_from_json
from seedbed.errors import DataError
from seedbed.views.predict import predictions
from seedbed.views.trained import load_trained


class Noisy(Dataset[tuple[Tensor, Tensor]]):
    """Points that are inside or outside, with fresh noise whenever they are read."""

    classes = ("inside", "outside")

    def __init__(self, rows: int = 24, shift: float = 0.0) -> None:
        generator = torch.Generator().manual_seed(1)
        self.x = torch.randn(rows, 3, generator=generator) + shift

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        x = self.x[index]
        noise = torch.randn(3) * random.random() / 10
        return x + noise, (x.norm() > 1.5).long()


class Sums(Noisy):
    """Images with one real number each."""

    def __getitem__(self, index: int) -> tuple[Tensor, float]:
        return self.x[index].expand(2, 4, 3), float(self.x[index].sum())


class Digits(Noisy):
    """Plain numbers as classes, without names."""

    classes = None

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.x[index], index % 4


class Wordy(Noisy):
    """Gives no tensors."""

    def __getitem__(self, index: int) -> tuple[str, int]:
        return "a word", 1


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory is added to the path, for packages that lie in it."""
    monkeypatch.setattr(sys, "path", sys.path.copy())


def words(name: str, arguments: str = "") -> list[str]:
    target = f"{{_target_:{__name__}.{name}{arguments}}}"
    return ["data=dataset", f"data.train={target}", f"allow=[{__name__}]", "loader.batch_size=5"]


def test_shapes_classes_and_task_are_learnt_from_the_rows() -> None:
    _, plan = prepared(*words("Noisy"))
    preprocessing = plan.data.preprocessing
    assert (preprocessing.task, preprocessing.input_shape) == ("binary", [3])
    assert preprocessing.classes == ["inside", "outside"]
    assert plan.train.rows == 24


def test_real_numbers_are_regression_and_images_keep_their_shape() -> None:
    model = ["model=sequential", "model.layers=[{Conv2d:[2,3,3]},ReLU,Flatten,Linear]"]
    _, plan = prepared(*words("Sums"), *model)
    assert plan.data.preprocessing.task == "regression"
    assert plan.data.preprocessing.input_shape == [2, 4, 3]
    assert plan.head.outputs == 1


def test_classes_without_names_are_numbered() -> None:
    _, plan = prepared(*words("Digits"))
    assert plan.data.preprocessing.classes == ["0", "1", "2", "3"]
    assert plan.head.outputs == 4


def test_a_dataset_that_gives_no_tensors_is_refused() -> None:
    with pytest.raises(DataError, match=r"data.train: Wordy\[0\] must give x as a tensor, got str"):
        prepared(*words("Wordy"))


def test_an_empty_dataset_is_refused() -> None:
    with pytest.raises(DataError, match=r"data.train: Noisy has no rows"):
        prepared(*words("Noisy", ",rows:0"))


class Huge(TensorDataset):
    def __init__(self) -> None:
        x = torch.ones(24, 3, dtype=torch.float64)
        x[7, 1] = 1e300
        super().__init__(x, torch.arange(24.0))


def test_a_number_beyond_float32_is_named_of_tensors_too() -> None:
    with pytest.raises(DataError, match=r"Huge\[7\] gives an x with a number beyond float32"):
        prepared(*words("Huge"))


class Endless(IterableDataset[Tensor]):
    def __iter__(self) -> Iterator[Tensor]:
        yield torch.zeros(2)


def test_rows_that_come_in_an_order_of_their_own_are_refused() -> None:
    with pytest.raises(DataError, match=r"data.train: Endless is an IterableDataset, and rows are"):
        prepared(*words("Endless"))


def noisy_run(path: Path, *more: str) -> Trained:
    held_out = f"data.validation={{_target_:{__name__}.Noisy,rows:6,shift:0.1}}"
    settings = ["optimizer=adam", "optimizer.lr=0.02", "trainer.epochs=3", "model.dropout=0.2"]
    return train(path, *words("Noisy"), held_out, *settings, *more)


def test_training_has_the_same_bits_with_or_without_workers(tmp_path: Path) -> None:
    alone, spread = (noisy_run(tmp_path / n, f"loader.num_workers={n}") for n in "02")
    assert alone.history == spread.history
    assert same_weights(alone.weights, spread.weights)


def test_training_has_the_same_bits_whatever_was_drawn_before(tmp_path: Path) -> None:
    first = noisy_run(tmp_path / "first")
    random.random(), torch.rand(3)
    again = noisy_run(tmp_path / "again")
    assert first.history == again.history
    assert same_weights(first.weights, again.weights)


def test_a_run_predicts_without_the_dataset(tmp_path: Path) -> None:
    noisy_run(tmp_path / "run")
    trained = load_trained(tmp_path / "run")
    told = predictions(
        trained, rows_from_json([[9, 9, 9], [0, 0, 0]], trained.preprocessing).inputs
    )
    assert told["classes"] == ["inside", "outside"]
    assert len(told["predictions"]) == 2
