"""Predictions for new rows, in the user's own units and names."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler
from support.houses import houses, write_csv
from support.single_runs import Trained, train

from seedbed.data.json_rows import rows_from_json
from seedbed.data.new_rows import opened_rows, rows_from_file
from seedbed.runs.files import json_text
from seedbed.views.predict import prediction_columns, predictions
from seedbed.views.trained import TrainedModel, load_trained

FEATURES = "data.features=[area,rooms,city,garden,pool]"


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("data") / "houses.csv", houses())


@pytest.fixture(scope="module")
def prices(csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    words = ["data=csv", f"data.path={csv}", "data.target=price", FEATURES]
    words += ["optimizer=adam", "optimizer.lr=0.02", "loader.batch_size=16", "trainer.epochs=60"]
    return train(tmp_path_factory.mktemp("prices") / "run", *words)


@pytest.fixture(scope="module")
def kinds(csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    words = ["data=csv", f"data.path={csv}", "data.target=kind", FEATURES, "trainer.epochs=3"]
    return train(tmp_path_factory.mktemp("kinds") / "run", *words)


def inputs_from_file(path: Path, trained: TrainedModel) -> np.ndarray:
    return rows_from_file(opened_rows(path, trained.config["data"]), trained.preprocessing).inputs


def test_regression_answers_in_the_target_s_own_unit(csv: Path, prices: Trained) -> None:
    trained = load_trained(prices.directory.root)
    inputs = inputs_from_file(csv, trained)
    scaled = prices.plan.data.train.tensors[1].numpy()
    scaler = StandardScaler()
    scaler.mean_ = np.array(trained.preprocessing.target_mean)
    scaler.scale_ = np.array(trained.preprocessing.target_scale)
    with torch.no_grad():
        expected = scaler.inverse_transform(trained.model(torch.from_numpy(inputs)).double())
    answers = predictions(trained, inputs)["predictions"]
    np.testing.assert_allclose(answers, expected)
    assert abs(scaled.mean()) < 1e-6
    assert np.corrcoef(np.ravel(answers), houses()["price"])[0, 1] > 0.8


def test_classes_are_answered_by_name_with_their_probabilities(csv: Path, kinds: Trained) -> None:
    trained = load_trained(kinds.directory.root)
    inputs = inputs_from_file(csv, trained)
    answers = predictions(trained, inputs)
    assert answers["classes"] == ["barn", "flat", "villa"]
    shares = np.array(answers["probabilities"])
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert answers["predictions"] == [answers["classes"][best] for best in shares.argmax(axis=1)]
    columns = prediction_columns(trained, answers)
    assert list(columns) == [
        "kind_prediction", "probability_barn", "probability_flat", "probability_villa"
    ]  # fmt: skip
    assert columns["probability_flat"] == shares[:, 1].tolist()


def test_rows_of_json_are_answered_like_those_of_a_file(csv: Path, prices: Trained) -> None:
    trained = load_trained(prices.directory.root)
    table = houses()
    names = ["area", "rooms", "city", "garden", "pool"]
    rows = [[table[name][row] for name in names] for row in range(len(table["area"]))]
    by_json = predictions(trained, rows_from_json(rows, trained.preprocessing).inputs)
    assert by_json == predictions(trained, inputs_from_file(csv, trained))


@pytest.mark.parametrize("which", ["last", "best"])
def test_another_checkpoint_can_be_asked(prices: Trained, which: str) -> None:
    trained = load_trained(prices.directory.root, which)
    checkpoint = torch.load(getattr(prices.directory, which), weights_only=True)
    for name, tensor in trained.model.state_dict().items():
        assert torch.equal(tensor, checkpoint["model"][name])


def test_what_was_fitted_is_read_back_from_the_run_alone(prices: Trained) -> None:
    trained = load_trained(prices.directory.root)
    assert trained.preprocessing == prices.plan.data.preprocessing


def test_two_targets_are_answered_side_by_side(tmp_path: Path) -> None:
    rows = [[n, n % 3] for n in range(12)]
    words = [f"data.x={json_text(rows)}", f"data.y={json_text([[a + b, a - b] for a, b in rows])}"]
    words = [word.replace("\n", "") for word in words]
    train(tmp_path / "run", *words, "data.target=[total,rest]", "trainer.epochs=1")
    trained = load_trained(tmp_path / "run")
    answers = predictions(trained, rows_from_json([[1, 2], [3, 4]], trained.preprocessing).inputs)
    columns = prediction_columns(trained, answers)
    assert list(columns) == ["total_prediction", "rest_prediction"]
    assert list(zip(*columns.values(), strict=True)) == [
        tuple(row) for row in answers["predictions"]
    ]


def test_images_are_predicted_in_their_own_shape(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(20, 3, 4, 4))
    np.savez(tmp_path / "images.npz", x=x, y=(x.mean(axis=(1, 2, 3)) > 0).astype(int))
    words = ["data=npz", f"data.path={tmp_path / 'images.npz'}", "model=sequential"]
    layers = "model.layers=[{Conv2d:{out_channels:2,kernel_size:3}},ReLU,Flatten,Linear]"
    train(tmp_path / "run", *words, layers, "trainer.epochs=1")
    trained = load_trained(tmp_path / "run")
    by_json = predictions(trained, rows_from_json(x.tolist(), trained.preprocessing).inputs)
    path = tmp_path / "images.npz"
    by_file = predictions(trained, inputs_from_file(path, trained))
    assert by_json == by_file
    assert by_file["classes"] == ["0", "1"]
    assert len(by_file["predictions"]) == 20


def test_a_run_from_before_the_form_of_its_text_was_kept_predicts(
    csv: Path, prices: Trained, tmp_path: Path
) -> None:
    root = shutil.copytree(prices.directory.root, tmp_path / "run")
    kept = json.loads((root / "preprocessing.json").read_text())
    for key in ("text", "unknown", "target_kinds"):
        del kept[key]
    for feature in kept["features"]:
        del feature["gaps"]
    (root / "preprocessing.json").write_text(json_text(kept))
    now, before = (load_trained(one) for one in (prices.directory.root, root))
    assert predictions(before, inputs_from_file(csv, before)) == predictions(
        now, inputs_from_file(csv, now)
    )
