"""The article, section by section: what its reader sees, our runs give."""

from pathlib import Path
from statistics import median

import pytest
import torch
from support.article_nets import ARTICLE_NETS, X, Y
from support.single_runs import Trained, history, prepared, train
from torch.nn.functional import mse_loss

from seedbed.components import AllowList
from seedbed.data.json_rows import rows_from_json
from seedbed.models.build import build_model
from seedbed.views import layers
from seedbed.views.predict import predictions
from seedbed.views.summary import layer_rows, totals
from seedbed.views.trained import load_trained

STYLES = list(ARTICLE_NETS)
SEEDS = range(20)
NEW_ROWS = [[10, 11], [8, 9], [1.5, 2.5]]
"""Rows that the networks did not see; sections 1.3 and 2 (7)."""


def answers(run: Path, rows: list[list[float]]) -> list[float]:
    trained = load_trained(run)
    told = predictions(trained, rows_from_json(rows, trained.preprocessing).inputs)["predictions"]
    return [value for (value,) in told]


@pytest.fixture(scope="module")
def article(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The default run: section 1.2's batches of two, fifty epochs."""
    return train(tmp_path_factory.mktemp("article") / "run", draw=True)


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
def test_predictions_are_the_article_s(tmp_path: Path, style: str) -> None:
    """Sections 1.3 and 2 (7): about 20.01 or 20.62, 16.78 and 4.24; over twenty seeds."""
    told = []
    for seed in SEEDS:
        run = train(tmp_path / str(seed), f"model={style}", f"seed={seed}", "loader.batch_size=2")
        told.append(answers(run.directory.root, NEW_ROWS))
    largest, middle, smallest = (median(values) for values in zip(*told, strict=True))
    assert 19 < largest < 22
    assert 16 < middle < 18
    assert 3.5 < smallest < 5


class TestSection1Point1:
    def test_rows_are_float_tensors(self) -> None:
        x, y = prepared()[1].data.train.tensors
        assert torch.equal(x, X)
        assert torch.equal(y, Y)

    @pytest.mark.parametrize("style", STYLES)
    def test_the_loss_before_training_is_of_the_article_s_size(self, style: str) -> None:
        """About 127 there; over twenty seeds the middle one is of that size."""
        spec = prepared(f"model={style}")[0].resolved["model"]
        models = [build_model(spec, AllowList(), [2], 1, seed) for seed in SEEDS]
        assert 70 < median(mse_loss(model(X), Y).item() for model in models) < 180

    def test_starting_weights_differ_unless_the_seed_is_given(self) -> None:
        first, again, other = (
            prepared(f"seed={seed}")[1].model.state_dict()["input_to_hidden_layer.weight"]
            for seed in (0, 0, 1)
        )
        assert first.shape == (8, 2)
        assert torch.equal(first, again)
        assert not torch.equal(first, other)

    def test_fifty_full_batches_let_the_loss_fall(self, tmp_path: Path) -> None:
        run = train(tmp_path / "run", "experiment=article_full_batch")
        losses = run.history["train/loss"]
        assert run.result["steps"] == len(losses) == 50
        assert losses[0] == pytest.approx(132.04, abs=0.01)
        assert losses[-1] == pytest.approx(0.1241, abs=1e-4)

    def test_losses_of_the_first_step_are_those_before_training(self, tmp_path: Path) -> None:
        _, plan = prepared("loader=full_batch")
        expected = mse_loss(plan.model(X), Y).item()
        run = train(tmp_path / "run", "loader=full_batch", "trainer.epochs=1")
        assert run.history["train/loss"] == [expected]


class TestSection1Point2:
    def test_an_epoch_is_two_batches_of_two_rows(self) -> None:
        _, plan = prepared("experiment=article_batches")
        batches = list(plan.train.epoch(0))
        assert [len(x) for x, _ in batches] == [2, 2]
        assert sorted(y.item() for _, ys in batches for y in ys) == [3, 7, 11, 15]

    def test_fifty_epochs_are_a_hundred_steps(self, article: Trained) -> None:
        assert article.result["steps"] == 100
        assert article.history["step"] == list(range(2, 101, 2))
        assert article.result["metrics"]["train/loss"] == pytest.approx(0.1095, abs=1e-4)

    def test_training_is_timed(self, article: Trained) -> None:
        """The article prints it; how long it takes is the machine's affair."""
        epochs = history(article.directory)["seconds"]
        assert len(epochs) == 50
        assert 0 < sum(epochs) <= article.result["seconds"]

    def test_the_loss_is_plotted(self, article: Trained) -> None:
        assert article.directory.figure.stat().st_size > 5000


class TestSection1Point4:
    def test_the_hidden_layer_is_four_by_eight_both_ways(self, article: Trained) -> None:
        trained = load_trained(article.directory.root)
        one = layers.layer_values(trained, X)["hidden_layer_activation"]
        other = layers.returned_hidden(trained, X)
        assert one.shape == (4, 8)
        assert torch.equal(one, other)

    def test_a_forward_that_returns_both_trains_to_the_same_bits(
        self, tmp_path: Path, article: Trained
    ) -> None:
        both = train(tmp_path / "run", "experiment=article_hidden")
        assert both.history == article.history
        output, hidden = both.plan.model(X)
        assert (output.shape, hidden.shape) == ((4, 1), (4, 8))


class TestSection2:
    @pytest.fixture(scope="class")
    @classmethod
    def run(cls, tmp_path_factory: pytest.TempPathFactory) -> Trained:
        folder = tmp_path_factory.mktemp("sequential")
        return train(folder / "run", "experiment=article_sequential")

    def test_the_summary_counts_33_parameters(self, run: Trained) -> None:
        rows = [(row.name, row.shape, row.parameters) for row in layer_rows(run.plan.model, [2])]
        assert rows == [("Linear-1", [-1, 8], 24), ("ReLU-2", [-1, 8], 0), ("Linear-3", [-1, 1], 9)]
        assert totals(run.plan.model) == (33, 33)

    def test_it_learns_what_the_named_layers_learn(self, run: Trained, article: Trained) -> None:
        assert run.history == article.history

    def test_the_twin_with_bare_parameters_has_24(self, tmp_path: Path) -> None:
        run = train(tmp_path / "run", "experiment=article_manual")
        assert run.result["parameters"] == 24
        assert run.result["metrics"]["train/loss"] == pytest.approx(0.0253, abs=1e-4)

    def test_the_state_dict_has_the_article_s_names(self, run: Trained) -> None:
        """Section 3.2."""
        assert list(run.weights) == ["0.weight", "0.bias", "2.weight", "2.bias"]

    def test_a_fresh_model_with_the_saved_weights_predicts_the_same(self, run: Trained) -> None:
        """Section 3.4."""
        rows = [[8, 9], [10, 11], [1.5, 2.5]]
        fresh = ARTICLE_NETS["sequential"]()
        fresh.load_state_dict(torch.load(run.directory.model, weights_only=True))
        with torch.no_grad():
            expected = fresh(torch.tensor(rows)).ravel().tolist()
        assert answers(run.directory.root, rows) == expected
        assert expected == pytest.approx([16.78, 20.62, 4.24], abs=1)
