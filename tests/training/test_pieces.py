"""Losses and metrics do not depend on how the rows, or the runs, are cut for memory's sake."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.stacked_runs import alone, planned, stacked, variants
from torch import Tensor, nn

from seedbed.components import AllowList
from seedbed.data.batch_sizes import EVALUATION_ROWS
from seedbed.data.preprocessing import Preprocessing
from seedbed.fused import evaluation
from seedbed.fused.engine import FusedEngine
from seedbed.models.build import output_of
from seedbed.tasks.head import TaskHead
from seedbed.training.build_run import build_run
from seedbed.training.run_components import RunComponents

ROWS = EVALUATION_ROWS + 1700
"""Of validation: a whole piece and an uneven one."""

LOSSES = {
    "mean": ("price", ["loss=mse"], nn.MSELoss()),
    "sum": (
        "price",
        ["loss._target_=torch.nn.SmoothL1Loss", "+loss.reduction=sum"],
        nn.SmoothL1Loss(reduction="sum"),
    ),
    "classes": ("kind", ["loss=cross_entropy"], nn.CrossEntropyLoss()),
    "sum over classes": (
        "kind",
        ["loss._target_=torch.nn.NLLLoss", "+loss.reduction=sum"],
        nn.NLLLoss(reduction="sum"),
    ),
    "a class that is ignored": (
        "kind",
        ["loss._target_=torch.nn.NLLLoss", "+loss.ignore_index=2"],
        nn.NLLLoss(ignore_index=2),
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows whose classes come in runs, so that pieces differ in what is ignored."""
    made = tmp_path_factory.mktemp("pieces")
    draw = np.random.default_rng(0)
    for name, rows in (("train", 50), ("validation", ROWS)):
        x = draw.normal(size=(rows, 3)).astype(np.float32)
        kind = np.sort(draw.integers(0, 3, rows))
        price = x.sum(axis=1) * (1 + np.arange(rows) / rows)
        np.savez(made / f"{name}.npz", x=x, kind=kind, price=price)
    return made


def words(folder: Path, target: str, *more: str) -> list[str]:
    task = "regression" if target == "price" else "multiclass"
    return [
        *("data=npz", f"data.path={folder}/train.npz", f"data.target={target}"),
        *(f"data.validation_path={folder}/validation.npz", "data.features=[x]"),
        *(f"data.task={task}", "data.standardize=false", "loader.batch_size=7"),
        *("trainer.epochs=1", "optimizer.lr=1e-30", *more),
    ]


def rows_of(plan: RunComponents, part: str) -> tuple[Tensor, Tensor]:
    x, y = getattr(plan.data, part).tensors
    return x, y.reshape(len(y), -1) if y.is_floating_point() else y.reshape(-1)


def whole(plan: RunComponents, loss: nn.Module, part: str) -> float:
    """What torch says of all rows at once."""
    x, y = rows_of(plan, part)
    with torch.no_grad():
        return float(loss(output_of(plan.model.eval()(x)), y))


@pytest.mark.parametrize(
    ("target", "more", "loss"),
    [pytest.param(*one, id=name) for name, one in LOSSES.items()],
)
class TestALossIsThatOfAllRowsAtOnce:
    """The oracle is torch's loss of a whole part of the data."""

    def test_of_a_run_on_its_own(self, folder: Path, target: str, more: Any, loss: nn.Module):
        (config,) = variants(words(folder, target, *more), [{}])
        plan = build_run(config, AllowList())
        told = alone(config).history[0]
        for part, name in (("validation", "val/loss"), ("train", "train/loss")):
            assert told[name] == pytest.approx(whole(plan, loss, part), rel=1e-5), name

    def test_of_a_stack(self, folder: Path, target: str, more: Any, loss: nn.Module) -> None:
        configs = variants(words(folder, target, *more), [{}, {}, {}])
        kept = stacked(configs)
        for number, config in enumerate(configs):
            plan = build_run(config, AllowList())
            told = kept.history[number][0]
            for part, name in (("validation", "val/loss"), ("train", "train/loss")):
                assert told[name] == pytest.approx(whole(plan, loss, part), rel=1e-5), name


NORMALISED = [
    "model=sequential",
    "model.layers=[{Linear:4},{BatchNorm1d:{num_features:4,track_running_stats:false}},ReLU,Linear]",
]


def in_pieces(plan: RunComponents) -> Tensor:
    """The outputs of a model that looks at the rows of a piece together, by hand."""
    x, _ = rows_of(plan, "validation")
    with torch.no_grad():
        return torch.cat([plan.model.eval()(piece) for piece in x.split(EVALUATION_ROWS)])


def test_rows_are_cut_alike_in_both_engines(folder: Path) -> None:
    """Batch normalisation without running statistics tells: its outputs are those of a piece."""
    configs = variants(words(folder, "price", *NORMALISED), [{}, {}])
    kept = stacked(configs)
    for number, config in enumerate(configs):
        plan = build_run(config, AllowList())
        _, y = rows_of(plan, "validation")
        expected = float(nn.functional.mse_loss(in_pieces(plan), y))
        assert alone(config).history[0]["val/loss"] == pytest.approx(expected, rel=1e-5)
        assert kept.history[number][0]["val/loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "more",
    [NORMALISED, ["loss._target_=torch.nn.SmoothL1Loss", "+loss.reduction=sum"]],
    ids=["pieces", "sum"],
)
def test_other_runs_in_the_stack_change_no_bit(
    folder: Path, monkeypatch: pytest.MonkeyPatch, more: list[str]
) -> None:
    """However many runs there are, and into how many groups they are cut."""
    configs = variants(words(folder, "price", *more), [{}] * 7)
    engine = FusedEngine(planned(configs))
    together = engine.evaluate("validation")
    monkeypatch.setattr(evaluation, "EVALUATED_NUMBERS", 1)
    in_groups = engine.evaluate("validation")
    engine.select([1, 4])
    two = engine.evaluate("validation")
    for name, values in together.items():
        assert values.tolist() == in_groups[name].tolist(), name
        assert values[[1, 4]].tolist() == two[name].tolist(), name


def test_memory_is_bounded_by_the_groups() -> None:
    """Each group has two runs or more, and no more numbers than are allowed unless it has two."""
    for runs in (2, 3, 10, 1500):
        for numbers in (1, 1000, 10**6, 10**9):
            groups = torch.arange(runs).tensor_split(evaluation._groups(runs, numbers))
            sizes = [len(one) for one in groups]
            assert min(sizes) >= 2
            assert max(sizes) <= 3 or max(sizes) * numbers <= evaluation.EVALUATED_NUMBERS + numbers


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "NLLLoss"])
@pytest.mark.parametrize("ignored", [-100, 0, 2])
@pytest.mark.parametrize("weight", [None, [1.0, 5.0, 0.25]], ids=["plain", "weighted"])
def test_batches_count_as_torch_counts_their_rows(name: str, ignored: int, weight: Any) -> None:
    """Batches of any size, together, have the loss of all their rows."""
    given = torch.tensor(weight) if weight else None
    loss = getattr(nn, name)(weight=given, ignore_index=ignored)
    preprocessing = Preprocessing("multiclass", [], ["y"], list("abc"), None, None, [1], 1)
    head = TaskHead(f"torch.nn.{name}", loss, preprocessing)
    torch.manual_seed(1)
    output, y = torch.randn(2, 60, 3).log_softmax(2), torch.randint(0, 3, (2, 60))
    sums = weights = torch.zeros(2)
    for some, classes in zip(output.split([31, 9, 20], 1), y.split([31, 9, 20], 1), strict=True):
        counts = head.batch_weight(classes, stacked=True)
        for run in range(2):
            alone = head.batch_weight(classes[run])
            assert float(alone) == float(torch.as_tensor(counts).expand(2)[run])
        losses = torch.stack([loss(*pair) for pair in zip(some, classes, strict=True)])
        sums, weights = sums + losses * counts, weights + counts
    whole = torch.stack([loss(*pair) for pair in zip(output, y, strict=True)])
    torch.testing.assert_close(sums / weights, whole)


def test_a_loss_for_each_row_is_refused(seedbed: Any) -> None:
    for command in ("validate", "train"):
        result = seedbed(command, "loss._target_=torch.nn.SmoothL1Loss", "+loss.reduction=none")
        assert (result.code, len(result.errors)) == (2, 1)
        assert "training takes one; type loss.reduction=mean" in result.err
