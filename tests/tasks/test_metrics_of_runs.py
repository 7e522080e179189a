"""The metrics of many runs at once are those of each run on its own."""

import pytest
import torch
from torch import Tensor, nn

from seedbed.data.preprocessing import Preprocessing
from seedbed.tasks.head import TaskHead
from seedbed.tasks.metric_values import metrics_of, metrics_of_runs

RUNS, ROWS = 5, 37


def head(
    classes: int, loss: str = "CrossEntropyLoss", outputs: int = 1, scale: float = 1.0
) -> TaskHead:
    """Of so many classes; of real numbers where there are none."""
    task = "regression" if not classes else "binary" if classes == 2 else "multiclass"
    preprocessing = Preprocessing(
        task=task,
        features=[],
        target=[f"y{n}" for n in range(outputs)],
        classes=[str(n) for n in range(classes)],
        target_mean=None if classes else [0.5 * scale] * outputs,
        target_scale=None if classes else [scale] * outputs,
        input_shape=[4],
        outputs=outputs,
    )
    return TaskHead(f"torch.nn.{loss}", getattr(nn, loss)(), preprocessing)


def check(heads: list[TaskHead], outputs: Tensor, y: Tensor) -> dict[str, Tensor]:
    """Compares each run's metrics with its own head's."""
    found = metrics_of_runs(heads, outputs, y)
    for run, one in enumerate(heads):
        expected = metrics_of(one, outputs[run], y[run])
        assert list(found) == list(expected)
        told = {name: float(values[run]) for name, values in found.items()}
        torch.testing.assert_close(told, expected, rtol=1e-6, atol=1e-6, equal_nan=True)
    return found


def classes_of(number: int) -> Tensor:
    """Every class is there in every run."""
    return torch.stack([torch.randperm(ROWS) % number for _ in range(RUNS)])


@pytest.fixture(autouse=True)
def _the_same_numbers() -> None:
    torch.manual_seed(3)


@pytest.mark.parametrize("number", [2, 3, 10])
@pytest.mark.parametrize("decimals", [0, 1, 6], ids=["many ties", "some ties", "no ties"])
def test_class_metrics_match_those_of_each_run(number: int, decimals: int) -> None:
    outputs = torch.randn(RUNS, ROWS, number).round(decimals=decimals)
    check([head(number)] * RUNS, outputs, classes_of(number))


@pytest.mark.parametrize("decimals", [0, 6], ids=["ties", "no ties"])
def test_metrics_from_one_logit_match_those_of_each_run(decimals: int) -> None:
    outputs = torch.randn(RUNS, ROWS, 1).round(decimals=decimals)
    check([head(2, "BCEWithLogitsLoss")] * RUNS, outputs, classes_of(2))


def test_equal_scores_have_half_the_area() -> None:
    found = check([head(3)] * RUNS, torch.zeros(RUNS, ROWS, 3), classes_of(3))
    assert found["auroc"].tolist() == [0.5] * RUNS


def test_class_that_is_never_predicted() -> None:
    outputs = torch.randn(RUNS, ROWS, 4)
    outputs[:3, :, 2] = -100
    check([head(4)] * RUNS, outputs, classes_of(4))


@pytest.mark.parametrize("number", [2, 4])
def test_class_in_no_row_has_no_area(number: int) -> None:
    y = classes_of(number)
    y[1][y[1] == 1] = 0
    found = check([head(number)] * RUNS, torch.randn(RUNS, ROWS, number), y)
    assert found["auroc"].isnan().tolist() == [False, True, False, False, False]


def test_class_neither_there_nor_predicted_counts_for_nothing() -> None:
    y, outputs = classes_of(4), torch.randn(RUNS, ROWS, 4)
    y[y == 1] = 0
    outputs[:, :, 1] = -100
    check([head(4)] * RUNS, outputs, y)


def test_one_class_of_two_is_there_and_predicted() -> None:
    y = torch.zeros(RUNS, ROWS, dtype=torch.long)
    check([head(2, "BCEWithLogitsLoss")] * RUNS, torch.full((RUNS, ROWS, 1), -3.0), y)


@pytest.mark.parametrize("outputs", [1, 2])
def test_regression_metrics_are_in_each_run_s_target_units(outputs: int) -> None:
    runs = [head(0, "MSELoss", outputs, scale=10.0**n) for n in range(-2, 3)]
    y = torch.randn(RUNS, ROWS, outputs)
    check(runs, y + 0.3 * torch.randn(RUNS, ROWS, outputs), y)


def test_target_of_one_column_may_be_flat() -> None:
    y = torch.randn(RUNS, ROWS)
    check([head(0, "MSELoss")] * RUNS, torch.randn(RUNS, ROWS, 1), y)


@pytest.mark.parametrize("outputs", [1, 2])
def test_target_of_one_value_has_no_r2(outputs: int) -> None:
    y = torch.randn(RUNS, ROWS, outputs)
    y[2, :, 0] = 1.25
    runs = [head(0, "MSELoss", outputs)] * RUNS
    found = check(runs, torch.randn(RUNS, ROWS, outputs), y)
    assert found["r2"].isnan().tolist() == [False, False, True, False, False]
