"""The loss and the metrics of rows that come in pieces are those of all rows at once."""

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from support.composing import composed_quickly
from support.parquet_rows import write
from torch import Tensor

from seedbed.components import AllowList
from seedbed.data.prepared import prepare_data
from seedbed.tasks.build_head import build_task_head
from seedbed.tasks.head import TaskHead
from seedbed.tasks.metric_values import metrics_of
from seedbed.tasks.metrics_in_pieces import LossAndMetrics, kept_bytes, kept_metrics

ROWS = 257
TASKS: dict[str, tuple[list[str], list[str]]] = {
    "regression": (["data.target=[y,z]"], []),
    "binary": (["data.target=two"], ["auroc"]),
    "weighed": (
        [
            "data.target=three",
            "data.task=multiclass",
            "loss=cross_entropy",
            "loss.class_weights=auto",
        ],
        ["auroc"],
    ),
    "counts": (["data.target=three", "data.task=counts"], []),
    "quantiles": (["data.target=y", "loss=quantile"], []),
    "labels": (
        ["data.target=[two,third]", "data.task=multilabel"],
        ["f1", "auroc", "two/f1", "two/auroc", "third/f1", "third/auroc"],
    ),
}


def head_of(words: list[str], path: Any) -> tuple[TaskHead, Tensor]:
    config = composed_quickly(
        ["data=parquet", f"data.path={path}", "data.features=[x]", "data.split.test=0",
         "data.split.validation=0", *words]
    ).config  # fmt: skip
    data = prepare_data(config.data, config.seed)
    return build_task_head(config.loss, AllowList([]), data.preprocessing), data.train.tensors[1]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Any:
    drawn = np.random.default_rng(0)
    number = np.arange(ROWS)
    columns = {"x": number / 3, "y": drawn.standard_normal(ROWS), "z": number / 2 + 1e4}
    columns |= {"two": number % 2, "three": number % 3, "third": (number % 3 == 0) * 1}
    return write(pa.table(columns), tmp_path_factory.mktemp("rows") / "rows.parquet")


@pytest.mark.parametrize(("words", "kept"), TASKS.values(), ids=TASKS.keys())
@pytest.mark.parametrize("size", [1, 10, ROWS])
def test_pieces_of_any_size_give_the_metrics_of_all_rows(
    path: Any, words: list[str], kept: list[str], size: int
) -> None:
    head, y = head_of(words, path)
    outputs = torch.randn(ROWS, head.outputs, generator=torch.Generator().manual_seed(1))
    expected = {"loss": float(head.loss(outputs, y)), **metrics_of(head, outputs, y)}
    measured = LossAndMetrics(head)
    for output, target in zip(outputs.split(size), y.split(size), strict=True):
        measured.add(output, target, float(head.loss(output, target)))
    found = measured.values()
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert math.isclose(found[name], value, rel_tol=2e-6, abs_tol=1e-9), name
    assert kept_metrics(head) == kept
    assert (kept_bytes(head, ROWS) > 0) == bool(kept)


def test_what_is_not_defined_is_nan(path: Any) -> None:
    head, y = head_of(["data.target=y"], path)
    measured = LossAndMetrics(head)
    measured.add(torch.zeros(5, 1), torch.ones(5, 1), 1.0)
    assert math.isnan(measured.values()["r2"])
    head, y = head_of(["data.target=two"], path)
    measured = LossAndMetrics(head)
    measured.add(torch.full((5, head.outputs), math.nan), y[:5], 1.0)
    assert all(math.isnan(measured.values()[name]) for name in ("accuracy", "f1", "auroc"))
