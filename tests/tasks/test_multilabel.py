"""Several labels a row, held to torch's loss, to scikit-learn's metrics and to torchmetrics'."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from support.command_line import Command
from support.single_runs import prepared, train
from support.stacked_runs import alone, assert_alike, planned, stacked, variants, write_module
from torchmetrics.functional.classification import multilabel_auroc, multilabel_f1_score

import seedbed as front
from seedbed.errors import ConfigError
from seedbed.fused.rows import NotAlikeError
from seedbed.fused.stackable import vmap_blocker
from seedbed.losses.weighted import weights_in
from seedbed.tasks.metric_values import metrics_of
from seedbed.tasks.registry import column_labels
from seedbed.views.predict import model_outputs
from seedbed.views.trained import load_trained

ROWS = 90
TABLE = ["data=csv", "data.path=rows.csv", "data.features=[a,b]", "data.split={validation:0.3}"]
LABELS = [*TABLE, "data.target=[p,q,r]", "data.task=multilabel", "loader.batch_size=16"]
LABELS += ["trainer.epochs=3", "data.threshold=0.4"]
WEIGHED = [*LABELS, "loss=bce", "loss.pos_weight=auto", "loss.label_smoothing=0.1"]
EACH = [f"{label}/{name}" for label in "pqr" for name in ("f1", "auroc")]


@pytest.fixture(autouse=True)
def _rows() -> None:
    drawn = np.random.default_rng(0)
    x = drawn.normal(size=(ROWS, 2))
    there = drawn.normal(size=(ROWS, 3)) < np.stack([x[:, 0], x[:, 1] - 1, x.sum(axis=1)], axis=1)
    rows = [
        f"{a:.6f},{b:.6f},{int(p)},{str(q).lower()},{int(r)}"
        for (a, b), (p, q, r) in zip(x, there, strict=True)
    ]
    Path("rows.csv").write_text("\n".join(["a,b,p,q,r", *rows, ""]))


def expected(y: Any, p: Any) -> dict[str, float]:
    """Scikit-learn's metrics of labels, at the threshold of these tests."""
    chosen = p >= 0.4
    f1 = sk.f1_score(y, chosen, average=None, zero_division=0)
    auroc = [sk.roc_auc_score(y[:, label], p[:, label]) for label in range(3)]
    return {
        "accuracy": 1 - sk.hamming_loss(y, chosen),
        "exact_match": sk.accuracy_score(y, chosen),
        "f1": sk.f1_score(y, chosen, average="macro", zero_division=0),
        "auroc": np.mean(auroc),
        **{f"{name}/f1": f1[label] for label, name in enumerate("pqr")},
        **{f"{name}/auroc": auroc[label] for label, name in enumerate("pqr")},
    }


def test_loss_and_metrics_are_those_of_torch_and_scikit_learn(tmp_path: Path) -> None:
    run = train(tmp_path / "run", *LABELS)
    columns = ["train/loss", "loss", "accuracy", "exact_match", "f1", "auroc", *EACH]
    names = [columns[0], *(f"val/{name}" for name in columns[1:])]
    assert list(run.history)[2 : 2 + len(names)] == names
    x, y = run.plan.data.validation.tensors
    outputs = model_outputs(load_trained(tmp_path / "run"), x.numpy())
    told, p = run.result["metrics"], outputs.double().sigmoid().numpy()
    for name, wanted in expected(y.numpy(), p).items():
        assert told[f"val/{name}"] == pytest.approx(wanted, rel=1e-6), name
    loss = torch.nn.BCEWithLogitsLoss()(outputs.double(), y.double())
    assert told["val/loss"] == pytest.approx(float(loss), rel=1e-6)
    assert run.result["task"] == "multilabel"


def test_means_over_labels_are_those_of_torchmetrics() -> None:
    _, plan = prepared(*LABELS)
    torch.manual_seed(0)
    outputs, y = torch.randn(40, 3), torch.randint(0, 2, (40, 3))
    y[:, 1] = 0
    y[0, 1], outputs[:, 1] = 1, -9.0  # never predicted
    found = metrics_of(plan.head, outputs, y.float())
    p = outputs.sigmoid()
    wanted = multilabel_f1_score(p, y, num_labels=3, threshold=0.4, average="macro")
    assert found["f1"] == pytest.approx(float(wanted), rel=1e-6)
    wanted = multilabel_auroc(p, y, num_labels=3, average="macro")
    assert found["auroc"] == pytest.approx(float(wanted), rel=1e-6)


def test_auroc_of_a_label_in_no_row_is_not_defined() -> None:
    _, plan = prepared(*LABELS)
    y = torch.tensor([[0.0, 0, 1], [1, 0, 0], [1, 0, 1]])
    found = metrics_of(plan.head, torch.randn(3, 3), y)
    assert np.isnan([found["auroc"], found["q/auroc"]]).all()
    assert not np.isnan([found["p/auroc"], found["f1"]]).any()


def test_weights_of_labels_are_those_of_their_training_rows() -> None:
    _, plan = prepared(*WEIGHED)
    y = plan.data.train.tensors[1].numpy()
    wanted = (len(y) - y.sum(axis=0)) / y.sum(axis=0)
    np.testing.assert_allclose(weights_in(plan.head.loss_function), wanted, rtol=1e-6)
    _, plan = prepared(*LABELS, "loss=bce", "loss.pos_weight={q:3}")
    assert weights_in(plan.head.loss_function).tolist() == [1, 3, 1]
    _, plan = prepared(*LABELS, "loss=bce", "loss.pos_weight=2")
    assert weights_in(plan.head.loss_function).tolist() == [2, 2, 2]


@pytest.mark.parametrize("words", [LABELS, [*WEIGHED, "data.split.seed=3"]], ids=["plain", "all"])
def test_runs_of_a_stack_are_as_alone(words: list[str]) -> None:
    configs = variants(words, [{}, {}, {"optimizer.lr": 0.05}])
    assert vmap_blocker(planned(configs)) is None
    assert_alike(stacked(configs), [alone(config) for config in configs])


def test_runs_with_weights_of_their_own_train_singly_and_say_why(seedbed: Command) -> None:
    with pytest.raises(NotAlikeError, match="counts labels in the rows that each seed draws"):
        planned(variants(WEIGHED, [{}, {}]))
    result = seedbed("train", "-m", *WEIGHED, "seed=1,2", "hydra.sweep.dir=s")
    assert result.code == 0, result.err
    assert "2 jobs run singly: loss.pos_weight=auto counts labels in the rows" in result.out


def test_commands_take_a_run_of_labels(seedbed: Command, tmp_path: Path) -> None:
    result = seedbed("train", "-m", *LABELS, "seed=1,2", "sweep.fuse=always", "hydra.sweep.dir=s")
    assert result.code == 0, result.err
    run = next((tmp_path / "s").glob("0_*"))
    said = json.loads(seedbed("predict", run, "--input", '[{"a": 0.5, "b": 1}]', "--json").out)
    assert said["labels"] == ["p", "q", "r"]
    assert said["predictions"] == [[int(one >= 0.4) for one in said["probabilities"][0]]]
    assert seedbed("predict", run, "--file", "rows.csv", "--output", "out.csv").code == 0
    columns = [*(f"{one}_prediction" for one in "pqr"), *(f"probability_{one}" for one in "pqr")]
    lines = Path("out.csv").read_text().splitlines()
    assert lines[0].split(",")[5:] == columns
    assert set(lines[1].split(",")[5:8]) <= {"0", "1"}
    found = front.load_run(run).predict([[0.5, 1.0]])
    assert (found.values, list(found.columns)) == (said["predictions"], columns)
    told = seedbed("evaluate", run, "--file", "rows.csv", "--by", "q")
    assert told.code == 0, told.err
    assert "q/auroc is not defined in 2 of 2 groups: a class is in none of the rows there" in (
        told.err
    )
    refused = seedbed("plot", run, "--kind", "roc", "--output", "p.png")
    assert (refused.code, len(refused.errors)) == (2, 1)
    assert "predicts several labels a row" in refused.errors[0]
    ranked = seedbed("compare", "s", "--metric", "val/q/f1")
    assert ranked.code == 0, ranked.err
    again = seedbed("reproduce", run)
    assert (again.code, again.out.splitlines()[-1]) == (0, "identical"), again.err
    words = [*WEIGHED, "trainer.monitor=val/p/auroc", "hydra.run.dir=one"]
    result = seedbed("train", *words)
    assert "(3 labels); BCEWithLogitsLoss (weights p " in result.out
    assert seedbed("reproduce", "one").code == 0
    assert seedbed("summary", "one").code == 0


def test_evaluation_is_that_of_the_run(seedbed: Command) -> None:
    lines = Path("rows.csv").read_text().splitlines()
    Path("held_out.csv").write_text("\n".join([lines[0], *lines[60:], ""]))
    words = [*WEIGHED, "data.validation_path=held_out.csv", "hydra.run.dir=one"]
    assert seedbed("train", *words).code == 0
    metrics = json.loads(Path("one/result.json").read_text())["metrics"]
    told = json.loads(seedbed("evaluate", "one", "--file", "held_out.csv", "--json").out)["metrics"]
    for name in ("loss", "accuracy", "exact_match", "f1", "auroc", *EACH):
        found = told[name]["value"] if isinstance(told[name], dict) else told[name]
        assert found == metrics[f"val/{name}"], name


def test_threshold_moves_what_is_predicted_and_not_the_loss(tmp_path: Path) -> None:
    runs = [
        train(tmp_path / str(at), *LABELS, f"data.threshold={at}").result["metrics"]
        for at in (0.1, 0.9)
    ]
    assert runs[0]["val/loss"] == runs[1]["val/loss"]
    assert runs[0]["val/f1"] != runs[1]["val/f1"]


def test_names_of_labels_become_parts_of_columns() -> None:
    assert column_labels(["a b", "a,b", "ü", "x/y", 'q"', "a_b"]) == [
        *("a_b", "a_b__2", "ü", "x_y", "q_", "a_b__3")
    ]
    assert column_labels(["q___3", "q?", "q!"]) == ["q___3", "q_", "q___2"]


def test_labels_of_a_dataset_and_of_an_array(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "import torch\nfrom torch.utils.data import Dataset\n\n\nclass Rows(Dataset):\n"
        "    def __init__(self, most=1):\n        self.most = most\n\n"
        "    def __len__(self):\n        return 40\n\n    def __getitem__(self, index):\n"
        "        y = torch.tensor([index % 2, index % 3 == 0]).float()\n"
        "        return torch.ones(2) * index, y * self.most\n"
    )
    write_module(tmp_path, "own_labels_", text, monkeypatch)
    words = ["data=dataset", "+data.train._target_=own_labels_.Rows", "allow=[own_labels_]"]
    words += ["data.task=multilabel", "trainer.epochs=2", "data.split.validation=0.2"]
    words += ["loss=bce", "loss.pos_weight=auto"]
    run = train(tmp_path / "run", *words)
    assert "val/y_2/f1" in run.history
    y = np.stack([run.plan.data.train[row][1].numpy() for row in range(32)])
    wanted = (32 - y.sum(axis=0)) / y.sum(axis=0)
    np.testing.assert_allclose(weights_in(run.plan.head.loss_function), wanted, rtol=1e-6)
    with pytest.raises(ConfigError, match=r"type data\.check_rows=null"):
        prepared(*words, "data.check_rows=10")
    drawn = np.random.default_rng(0)
    there = (drawn.random((40, 3)) < 0.5).astype(np.int64)
    np.savez(tmp_path / "rows.npz", x=drawn.normal(size=(40, 2)), y=there)
    words = ["data=npz", f"data.path={tmp_path / 'rows.npz'}", "data.task=multilabel"]
    _, plan = prepared(*words)
    assert plan.metric_names[2:6] == ["val/accuracy", "val/exact_match", "val/f1", "val/auroc"]
    assert plan.metric_names[-1] == "val/y_3/auroc"


REFUSED = {
    "quantities": (
        [*TABLE, "data.target=[p,a]", "data.features=[b]", "data.task=multilabel"],
        "and data.task=multilabel takes 0 and 1 alone",
    ),
    "another loss": ([*LABELS, "loss=cross_entropy"], "loss=cross_entropy does not fit the target"),
    "no such label": (
        [*LABELS, "loss=bce", "loss.pos_weight={s:2}"],
        "loss.pos_weight: no label 's' in data.target; there are p, q, r",
    ),
    "negative": (
        [*LABELS, "loss=bce", "loss.pos_weight={p:-2}"],
        "loss.pos_weight.p must be a number > 0, got -2",
    ),
    "threshold": ([*LABELS, "data.threshold=1"], "data.threshold must be a number > 0 and < 1"),
    "no labels": (
        [*TABLE, "data.target=p", "data.threshold=0.3"],
        "data.threshold=0.3 changes nothing but with data.task=multilabel",
    ),
    "weights of labels for classes": (
        [*TABLE, "data.target=p", "loss=bce", "loss.pos_weight={p:2}"],
        "loss.pos_weight must be a number > 0",
    ),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_is_no_label_is_refused(seedbed: Command, words: str) -> None:
    asked, said = REFUSED[words]
    result = seedbed("train", *asked)
    assert (result.code, len(result.errors)) == (2, 1), result.err
    assert said in result.errors[0]


def test_names_are_no_labels(seedbed: Command) -> None:
    text = Path("rows.csv").read_text().replace("true", "yes").replace("false", "no")
    Path("rows.csv").write_text(text)
    result = seedbed("train", *LABELS)
    assert (result.code, len(result.errors)) == (2, 1), result.err
    assert "'q' of rows.csv holds names; a label is a column of 0 and 1" in result.errors[0]


def test_labels_in_no_training_row_have_no_weights(seedbed: Command) -> None:
    lines = Path("rows.csv").read_text().splitlines()
    never = [",".join([*line.split(",")[:4], "0"]) for line in lines[1:]]
    Path("rows.csv").write_text("\n".join([lines[0], *never, ""]))
    with warnings.catch_warnings():
        result = seedbed("train", *WEIGHED)
    assert (result.code, len(result.errors)) == (2, 1), result.err
    assert "loss.pos_weight=auto: the label 'r' is in no training row" in result.errors[0]
