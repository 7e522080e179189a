"""Every row and label of a user's own Dataset is looked at before training."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.command_line import Command
from support.single_runs import prepared, same_weights, train
from torch.utils.data import Dataset, TensorDataset

from seedbed.data.custom_inspection import spaced
from seedbed.errors import DataError
from seedbed.training.run_components import RunComponents


class Rows(Dataset):
    """Three numbers a row, and a label of the kind asked for; a few rows may have another kind."""

    def __init__(
        self, rows: int = 40, kind: str = "class", odd: dict[int, str] | None = None, seed: int = 0
    ) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.x = torch.randn(rows, 3, generator=generator)
        self.t = self.x @ torch.tensor([1.0, -2.0, 0.5])
        self.kinds = [(odd or {}).get(row, kind) for row in range(rows)]

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> Any:
        x, t = self.x[index], self.t[index]
        up = bool(t > 0)
        others: dict[str, Any] = {
            "float": (x, t),
            "class": (x, int(up)),
            "sign": (x, 1 if up else -1),
            "word": (x, "up" if up else "down"),
            "truth": (x, up),
            "numpy": (x.numpy(), np.int64(up)),
            "tensor": (x, torch.tensor([int(up)])),
            "float class": (x, float(up)),
            "mapping": {"x": x, "y": t},
            "three": (x, t, t),
            "float64": (x.double(), t.double()),
            "numpy64": (x.double().numpy(), t.double().numpy()),
            "over": (x, int(up) + 5),
            "third": (x, 2),
            "strange": (x, "sideways"),
            "nan": (x, float("nan")),
            "huge": (x, 1e300),
            "huge x": (x.double() * 1e300, t),
            "none": (x, None),
            "pair": (x, torch.stack([t, -t])),
            "list": (x, [float(t), -float(t)]),
            "int pair": (x, [1, 2]),
            "wide": (torch.cat([x, x]), t),
            "whole x": (x.long(), t),
            "half": (x, 0.5),
            "number": (x, index),
        }
        if self.kinds[index] == "raises":
            raise KeyError("no such row")
        return others[self.kinds[index]]


class Named(Rows):
    """As torchvision's sets: class numbers, and their names."""

    classes = ("falling", "rising")


class Augmented(TensorDataset):
    """A TensorDataset whose rows are not those of its tensors."""

    def __init__(self) -> None:
        rows = Rows(20)
        super().__init__(rows.x, (rows.t > 0).long())

    def __getitem__(self, index: int) -> Any:
        x, y = super().__getitem__(index)
        return x + 100, y


class Tensors(TensorDataset):
    """A TensorDataset of another name."""

    def __init__(self, kind: str = "class") -> None:
        x, y = zip(*(Rows(40, kind)[index] for index in range(40)), strict=True)
        super().__init__(torch.stack(x), torch.stack([torch.as_tensor(one) for one in y]))


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", sys.path.copy())


def part(name: str, target: str = "Rows", **arguments: Any) -> str:
    spec = {"_target_": f"{__name__}.{target}", **arguments}
    return f"data.{name}={_written(spec)}"


def _written(value: Any) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{key}: {_written(one)}" for key, one in value.items())
        return f"{{{inner}}}"
    return f"'{value}'" if isinstance(value, str) else str(value)


def words(*parts: str) -> list[str]:
    return ["data=dataset", f"allow=[{__name__}]", "trainer.epochs=3", *parts]


def plan_of(*parts: str) -> RunComponents:
    return prepared(*words(*parts))[1]


def refusal(*parts: str) -> str:
    with pytest.raises(DataError) as refused:
        plan_of(*parts)
    assert len(refused.value.problems) == 1
    return refused.value.problems[0]


CLASSES = {
    "class": ["0", "1"],
    "sign": ["-1", "1"],
    "word": ["down", "up"],
    "truth": ["false", "true"],
    "numpy": ["0", "1"],
    "tensor": ["0", "1"],
    "over": ["5", "6"],
}


@pytest.mark.parametrize(("kind", "names"), CLASSES.items(), ids=CLASSES)
def test_two_classes_train_alike_under_any_name_and_keep_it(
    tmp_path: Path, kind: str, names: list[str]
) -> None:
    parts = [
        [part("train", kind=one), part("validation", kind=one, rows=10, seed=1)]
        for one in (kind, "class")
    ]
    run, plain = (
        train(tmp_path / name, *words(*one)) for name, one in zip("ab", parts, strict=True)
    )
    assert run.plan.data.preprocessing.task == "binary"
    assert run.plan.data.preprocessing.classes == names
    assert run.history == plain.history
    assert same_weights(run.weights, plain.weights)


@pytest.mark.parametrize("kind", ["float64", "numpy64"])
def test_numbers_of_float64_train_as_those_of_float32(tmp_path: Path, kind: str) -> None:
    runs = [train(tmp_path / one, *words(part("train", kind=one))) for one in (kind, "float")]
    assert runs[0].history == runs[1].history


@pytest.mark.parametrize("kind", ["pair", "list"])
def test_several_real_values_are_several_outputs(kind: str) -> None:
    preprocessing = plan_of(part("train", kind=kind)).data.preprocessing
    assert (preprocessing.task, preprocessing.outputs) == ("regression", 2)


def test_integers_are_real_values_if_the_task_says_so() -> None:
    plan = plan_of(part("train", kind="sign"), "data.task=regression")
    _, y = next(plan.train.epoch(0))
    assert y.dtype == torch.float32
    assert set(y.tolist()) <= {-1.0, 1.0}


def test_one_real_number_makes_all_labels_real() -> None:
    plan = plan_of(part("train", kind="class", odd={39: "half"}))
    assert plan.data.preprocessing.task == "regression"


def test_real_zeros_and_ones_are_real_values_with_a_word_on_it() -> None:
    plan = plan_of(part("train", kind="float class"))
    assert plan.data.preprocessing.task == "regression"
    assert "data.task=binary" in plan.data.notes[0]
    plan = plan_of(part("train", kind="float class"), "data.task=binary")
    assert plan.data.preprocessing.classes == ["0", "1"]
    assert not plan.data.notes


NAMES = {
    "of the config": ([part("train")], ["low", "high"]),
    "for other numbers": ([part("train", kind="over")], ["low", "high"]),
    "for signs": ([part("train", kind="sign")], ["low", "high"]),
    "more than there are": ([part("train")], ["low", "high", "higher"]),
    "of the labels, in another order": ([part("train", kind="word")], ["up", "down"]),
}


@pytest.mark.parametrize(("parts", "names"), NAMES.values(), ids=NAMES)
def test_names_of_the_config_are_taken(parts: list[str], names: list[str]) -> None:
    plan = plan_of(*parts, f"data.classes=[{','.join(names)}]", "loader=full_batch")
    assert plan.data.preprocessing.classes == names
    _, y = next(plan.train.epoch(0))
    first = y[0].item()
    up = bool(Rows().t[0] > 0)
    assert names[first] == (("down", "up")[up] if "up" in names else ("low", "high")[up])


def test_names_of_the_dataset_are_taken_where_they_fit() -> None:
    fit = plan_of(part("train", "Named")).data.preprocessing
    assert fit.classes == ["falling", "rising"]
    misfit = plan_of(part("train", "Named", kind="word")).data.preprocessing
    assert misfit.classes == ["down", "up"]


def test_a_class_that_only_the_config_names_may_come_later() -> None:
    later = part("validation", rows=10, odd={3: "third"})
    plan_of(part("train"), later, "data.classes=[a,b,c]")
    told = refusal(part("train"), later)
    assert told.startswith("data.validation: Rows[3] has the label 2, which no row of data.train")


REFUSED = {
    "a mapping": ("mapping", "gives x {x: (3,) float32}, row 0 (3,) float32"),
    "three": ("three", "must be (x, y), got tuple of 3"),
    "no number": ("nan", "gives y nan"),
    "beyond float32": ("huge", "not finite in float32"),
    "x beyond float32": ("huge x", "x with a number beyond float32"),
    "none": ("none", "must give y as a number, a text or a tensor, got NoneType"),
    "text among numbers": ("strange", "gives y 'sideways'"),
    "another shape": ("wide", "gives x (6,) float32, row 0 (3,) float32"),
    "another type": ("whole x", "gives x (3,) int64, row 0 (3,) float32"),
    "another number of outputs": ("pair", "gives y of shape (2,)"),
    "an exception": ("raises", "raises KeyError: 'no such row'"),
}


@pytest.mark.parametrize(("kind", "told"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("where", ["train", "validation", "test"])
def test_a_single_row_that_cannot_be_used_is_named(where: str, kind: str, told: str) -> None:
    parts = {name: part(name, kind="float") for name in ("train", "validation", "test")}
    parts[where] = part(where, kind="float", odd={37: kind})
    assert told in (message := refusal(*parts.values()))
    assert message.startswith(f"data.{where}: Rows[37] ")


def test_what_all_rows_have_is_refused_too() -> None:
    told = refusal(part("train", kind="mapping"), "data.target=z")
    assert "Rows[0] gives a mapping without 'z', what is to be predicted; it has x, y" in told
    assert "has the label 2 as all that" in refusal(part("train", kind="third"))
    assert "40 different labels; type data.task" in refusal(part("train", kind="number"))
    assert "data.task=regression" in refusal(part("train", kind="int pair"))
    told = refusal(part("train", kind="word"), "data.task=regression")
    assert "gives y 'down', and data.task=regression takes numbers" in told or "'up'" in told
    assert "0.5" in refusal(part("train", kind="float class", odd={5: "half"}), "data.task=binary")
    told = refusal(part("train", odd={7: "third"}), "data.task=binary")
    assert "data.task=binary takes two; type data.task=multiclass" in told
    told = refusal(part("train", kind="word"), "data.classes=[low,up]")
    assert "labels 'down', and the classes are low, up" in told


def test_validate_checks_every_split(seedbed: Command) -> None:
    bad = part("test", odd={11: "strange"})
    result = seedbed("validate", *words(part("train"), bad))
    assert result.code == 2
    assert result.errors[0].startswith("error: data.test: Rows[11] has the label 'sideways'")
    assert len(result.err.splitlines()) == 1


def test_check_rows_looks_at_so_many_and_the_rest_when_they_are_read(seedbed: Command) -> None:
    bad = part("validation", odd={11: "strange"})
    lines = words(part("train"), bad, "data.check_rows=9")
    assert seedbed("validate", *lines).code == 0
    for workers in (0, 1):
        result = seedbed("train", *lines, f"loader.num_workers={workers}")
        assert result.code == 2
        assert [line for line in result.errors if "Rows[11] has the label 'sideways'" in line]
        assert "Traceback" not in result.err


@pytest.mark.parametrize(("rows", "most"), [(1, 1), (10, 3), (10, 10), (10, 99), (7, 1), (1000, 7)])
def test_rows_to_look_at_are_spaced_evenly(rows: int, most: int) -> None:
    places = spaced(rows, most)
    assert len(places) == min(rows, most)
    assert places[0] == 0
    assert most == 1 or places[-1] == rows - 1
    assert places == sorted(set(places))


def test_looking_leaves_the_generators_as_they_were() -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()
    plan_of(part("train"))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]


def test_a_tensor_dataset_is_read_as_tensors_and_its_heirs_by_row() -> None:
    plain = plan_of(part("train", "Tensors", kind="sign"))
    assert isinstance(plain.data.train, TensorDataset)
    assert plain.data.preprocessing.classes == ["-1", "1"]
    assert set(plain.data.train.tensors[1].tolist()) == {0, 1}
    assert plan_of(part("train", "Tensors", kind="pair")).data.preprocessing.outputs == 2
    heir = plan_of(part("train", "Augmented"))
    x, _ = next(heir.train.epoch(0))
    assert float(x.min()) > 50


class TestSplit:
    def test_takes_the_splits_that_have_no_dataset(self) -> None:
        split = ["data.split.validation=0.25", "data.split.test=0.25"]
        plan = plan_of(part("train"), *split)
        assert plan.train.rows == 20
        assert {name: one.rows for name, one in plan.splits.items()} == {
            "validation": 10,
            "test": 10,
        }
        plan = plan_of(part("train"), part("test", rows=7), *split)
        assert (plan.train.rows, plan.splits["test"].rows) == (30, 7)

    def test_every_row_is_in_one_split_and_classes_are_split_alike(self) -> None:
        split = ["data.split.test=0.25", "data.split.stratify=true", "data.split.seed=3"]
        plan = plan_of(part("train"), *split)
        seen = [x for batches in (plan.train, plan.splits["test"]) for x, _ in batches.epoch(0)]
        rows = torch.cat(seen)
        assert sorted(rows.tolist()) == sorted(Rows().x.tolist())
        tested = torch.cat([y for _, y in plan.splits["test"].epoch(0)])
        ups = int((Rows().t > 0).sum())
        assert int(tested.sum()) == pytest.approx(ups / 4, abs=0.5)

    def test_that_takes_all_rows_of_a_class_is_refused(self) -> None:
        told = refusal(part("train", odd={5: "third"}), "data.split.test=0.9", "seed=1")
        assert "is in no training row; type data.split.stratify=true" in told

    def test_by_class_needs_every_label(self) -> None:
        told = refusal(
            part("train"), "data.split.test=0.5", "data.split.stratify=true", "data.check_rows=9"
        )
        assert "type data.split.stratify=false or data.check_rows=null" in told
