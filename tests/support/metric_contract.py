"""What holds of every metric. A metric's class of tests inherits this and names an oracle."""

import math

import pytest
import torch
from torch import Tensor

from seedbed.tasks.metrics import Metric

RUNS, ROWS = 4, 60


class MetricContract:
    """A suite for one metric.

    Attributes:
        metric: that is tested.
        lowest: value it can have.
        highest: likewise.
    """

    metric: Metric
    lowest = -math.inf
    highest = math.inf

    def drawn(self, runs: int = RUNS, rows: int = ROWS, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Predictions and targets for which the metric is defined."""
        raise NotImplementedError

    def perfect(self, targets: Tensor) -> Tensor:
        """Predictions that no others can beat."""
        raise NotImplementedError

    def oracle(self, predictions: Tensor, targets: Tensor) -> float:
        """Somebody else's value for one run."""
        raise NotImplementedError

    def test_every_run_has_one_float64(self) -> None:
        for runs in (1, RUNS):
            value = self.metric(*self.drawn(runs))
            assert (value.shape, value.dtype) == ((runs,), torch.float64)

    @pytest.mark.parametrize("seed", range(5))
    def test_value_is_the_oracle_s(self, seed: int) -> None:
        predictions, targets = self.drawn(seed=seed)
        expected = [self.oracle(*one) for one in zip(predictions, targets, strict=True)]
        assert self.metric(predictions, targets).tolist() == pytest.approx(expected, abs=1e-6)

    @pytest.mark.parametrize("seed", range(5))
    def test_value_is_within_its_range(self, seed: int) -> None:
        value = self.metric(*self.drawn(seed=seed))
        assert bool(((value >= self.lowest) & (value <= self.highest)).all())

    def test_run_among_others_has_the_value_that_it_has_alone(self) -> None:
        predictions, targets = self.drawn()
        for dtype in (torch.float32, torch.float64):
            among = self.metric(predictions.to(dtype), targets)
            alone = [
                self.metric(predictions[run : run + 1].to(dtype), targets[run : run + 1])
                for run in range(RUNS)
            ]
            assert torch.equal(among, torch.cat(alone))

    def test_order_of_rows_does_not_matter(self) -> None:
        predictions, targets = self.drawn()
        order = torch.randperm(ROWS, generator=torch.Generator().manual_seed(1))
        shuffled = self.metric(predictions[:, order], targets[:, order])
        torch.testing.assert_close(shuffled, self.metric(predictions, targets))

    def test_perfect_predictions_have_the_best_value(self) -> None:
        predictions, targets = self.drawn()
        best = self.metric(self.perfect(targets).to(predictions.dtype), targets)
        value = self.metric(predictions, targets)
        assert bool((best >= value if self.metric.higher_is_better else best <= value).all())
        wanted = self.highest if self.metric.higher_is_better else self.lowest
        assert best.tolist() == [wanted] * RUNS

    def test_only_a_run_with_a_prediction_of_nan_is_nan(self) -> None:
        predictions, targets = self.drawn()
        predictions[1, 3, 0] = math.nan
        assert self.metric(predictions, targets).isnan().tolist() == [False, True, False, False]

    def test_inputs_stay_as_they_are(self) -> None:
        predictions, targets = self.drawn()
        before = predictions.clone(), targets.clone()
        self.metric(predictions, targets)
        assert torch.equal(predictions, before[0])
        assert torch.equal(targets, before[1])


class RealValueMetricContract(MetricContract):
    """Of metrics that compare real values; two outputs a row."""

    def drawn(self, runs: int = RUNS, rows: int = ROWS, seed: int = 0) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        targets = torch.randn(runs, rows, 2, generator=generator, dtype=torch.float64)
        noise = torch.randn(runs, rows, 2, generator=generator, dtype=torch.float64)
        return 3 * targets + noise + 1, 3 * targets

    def perfect(self, targets: Tensor) -> Tensor:
        return targets.clone()


class ClassMetricContract(MetricContract):
    """Of metrics that take probabilities; every class is in the rows of every run."""

    lowest, highest = 0.0, 1.0
    classes = 4

    def drawn(self, runs: int = RUNS, rows: int = ROWS, seed: int = 0) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        orders = [torch.randperm(rows, generator=generator) for _ in range(runs)]
        targets = torch.stack(orders) % self.classes
        logits = torch.randn(runs, rows, self.classes, generator=generator).round(decimals=1)
        return logits.softmax(dim=2).double(), targets

    def perfect(self, targets: Tensor) -> Tensor:
        return torch.nn.functional.one_hot(targets, self.classes).double()
