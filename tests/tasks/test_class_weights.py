"""Losses that weigh classes, alone and in stacks, held to torch's and to scikit-learn's weights."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from sklearn.utils.class_weight import compute_class_weight
from support.command_line import Command
from support.composing import composed_quickly
from support.resumed_runs import assert_run_goes_on, assert_stack_goes_on
from support.single_runs import prepared, train
from support.stacked_runs import (
    Kept,
    alone,
    assert_alike,
    planned,
    train_stack,
    variants,
    write_module,
)
from torch import nn
from torch.nn.functional import cross_entropy

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.errors import ConfigError
from seedbed.fused.stackable import vmap_blocker
from seedbed.losses import FocalLoss
from seedbed.losses.weighted import SmoothedBCE, weights_in
from seedbed.tasks.build_head import build_task_head
from seedbed.tasks.class_weights import class_weights
from seedbed.training.build_run import build_run
from seedbed.views.predict import model_outputs
from seedbed.views.trained import load_trained

ROWS = 90
TABLE = ["data=csv", "data.path=rows.csv", "trainer.epochs=3", "data.split={validation:0.3}"]
KINDS = [*TABLE, "data.target=kind", "loader.batch_size=16"]
SICK = [*TABLE, "data.target=sick", "loader.batch_size=16"]
DRAWN = "data.split.stratify=false"
LOSSES = {
    "cross entropy": [*KINDS, "loss=cross_entropy", "loss.class_weights=auto"],
    "smoothed": [
        *(*KINDS, "loss=cross_entropy", "loss.class_weights=auto"),
        "loss.label_smoothing=0.2",
    ],
    "focal": [*KINDS, "loss=focal", "loss.class_weights=auto", "loss.gamma=1.5"],
    "two logits": [*SICK, "loss=focal", "loss.class_weights=auto"],
    "one logit": [*SICK, "loss=bce", "loss.pos_weight=auto", "loss.label_smoothing=0.1"],
}


@pytest.fixture(autouse=True)
def _rows() -> None:
    write_rows(Path("rows.csv"))


def write_rows(path: Path, seed: int = 0, rows: int = ROWS) -> None:
    """Classes of which one has most of the rows."""
    drawn = np.random.default_rng(seed)
    numbers = drawn.choice(3, rows, p=[0.7, 0.2, 0.1])
    x = drawn.normal(size=(rows, 2)) + numbers[:, None]
    lines = [
        f"{a:.6f},{b:.6f},{'abc'[n]},{'yes' if n else 'no'}"
        for (a, b), n in zip(x, numbers, strict=True)
    ]
    path.write_text("\n".join(["a,b,kind,sick", *lines, ""]))


def labels(plan: Any, part: str = "train") -> np.ndarray[Any, Any]:
    return getattr(plan.data, part).tensors[1].numpy()


def test_focal_loss_without_gamma_is_cross_entropy_of_torch() -> None:
    torch.manual_seed(0)
    output = torch.randn(9, 3, dtype=torch.float64, requires_grad=True)
    y, weight = torch.randint(0, 3, (9,)), torch.tensor([0.5, 2.0, 1.0], dtype=torch.float64)
    for given in (None, weight):
        found, wanted = FocalLoss(0.0, given)(output, y), cross_entropy(output, y, given)
        torch.testing.assert_close(found, wanted, rtol=1e-14, atol=0)
        slopes = [torch.autograd.grad(one, output)[0] for one in (found, wanted)]
        torch.testing.assert_close(*slopes, rtol=1e-12, atol=1e-15)


def test_focal_loss_is_that_of_its_paper() -> None:
    drawn = np.random.default_rng(0)
    output, y = drawn.normal(size=(9, 3)), drawn.integers(0, 3, 9)
    weight = np.array([0.5, 2.0, 1.0])
    p = (np.exp(output) / np.exp(output).sum(axis=1, keepdims=True))[np.arange(9), y]
    wanted = np.average(-((1 - p) ** 2.5) * np.log(p), weights=weight[y])
    found = FocalLoss(2.5, torch.tensor(weight))(torch.tensor(output), torch.tensor(y))
    assert float(found) == pytest.approx(wanted, rel=1e-13)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_focal_loss_of_rows_that_are_sure_has_a_slope(gamma: float) -> None:
    output = torch.tensor([[200.0, 0.0], [0.0, 1.0]], requires_grad=True)
    FocalLoss(gamma)(output, torch.tensor([0, 0])).backward()
    assert output.grad is not None
    assert bool(output.grad.isfinite().all())
    assert torch.equal(output.grad[0], torch.zeros(2))


def test_smoothed_binary_cross_entropy_is_that_of_two_classes() -> None:
    torch.manual_seed(0)
    logit, y = torch.randn(9, dtype=torch.float64), torch.randint(0, 2, (9,))
    found = SmoothedBCE(0.3)(logit, y.double())
    both = torch.stack([torch.zeros_like(logit), logit], dim=1)
    torch.testing.assert_close(found, cross_entropy(both, y, label_smoothing=0.3))


def test_weights_are_the_balanced_ones_of_scikit_learn_and_of_training_rows() -> None:
    _, plan = prepared(*LOSSES["cross entropy"])
    trained, every = labels(plan), np.concatenate([labels(plan), labels(plan, "validation")])
    weights = weights_in(plan.head.loss_function)
    assert weights is not None
    numbers = np.arange(3)
    wanted = compute_class_weight("balanced", classes=numbers, y=trained)
    np.testing.assert_allclose(weights, wanted, rtol=1e-6)
    assert not np.allclose(weights, compute_class_weight("balanced", classes=numbers, y=every))
    _, plan = prepared(*LOSSES["one logit"])
    no, yes = compute_class_weight("balanced", classes=np.arange(2), y=labels(plan))
    assert float(weights_in(plan.head.loss_function)) == pytest.approx(yes / no, rel=1e-6)


def test_weights_that_are_given_are_those_of_scikit_learn() -> None:
    _, plan = prepared(*KINDS, "loss=cross_entropy", "loss.class_weights={c:3,a:0.5}")
    y = np.array(["a", "b", "c"])
    wanted = compute_class_weight({"c": 3, "a": 0.5, "b": 1}, classes=y, y=y)
    np.testing.assert_allclose(weights_in(plan.head.loss_function), wanted)


def test_classes_are_found_however_their_numbers_are_written() -> None:
    lines = Path("rows.csv").read_text().replace(",yes", ",1").replace(",no", ",0")
    Path("rows.csv").write_text(lines)
    for written in ("{0:1,1:5}", "{1.0:5}"):
        _, plan = prepared(*SICK, "loss=focal", f"loss.class_weights={written}")
        assert weights_in(plan.head.loss_function).tolist() == [1, 5]


@pytest.mark.parametrize("kind", LOSSES)
def test_losses_of_an_epoch_and_of_the_run_are_those_of_all_rows_in_one_call(
    tmp_path: Path, kind: str
) -> None:
    """Whatever the batches, and the smaller last one, had the weights stood still."""
    still = ["optimizer.lr=1e-30", "trainer.epochs=1", "loader.batch_size=13"]
    run = train(tmp_path / "run", *LOSSES[kind], *still)
    head = run.plan.head
    trained = load_trained(tmp_path / "run")
    for column, part in (("train/loss", "train"), ("val/loss", "validation")):
        x, y = getattr(run.plan.data, part).tensors
        outputs = model_outputs(trained, x.numpy())
        weight = weights_in(head.loss_function)
        if "one logit" in kind:
            smooth = y.double().reshape(-1, 1) * 0.9 + 0.05
            wanted = nn.BCEWithLogitsLoss(pos_weight=weight)(outputs.double(), smooth)
        elif "loss=focal" in LOSSES[kind]:
            gamma = 1.5 if kind == "focal" else 2.0
            p = outputs.double().softmax(1).gather(1, y[:, None])[:, 0]
            each = -((1 - p) ** gamma) * p.log()
            wanted = np.average(each, weights=weight[y])
        else:
            smoothing = 0.2 if kind == "smoothed" else 0.0
            loss = nn.CrossEntropyLoss(weight=weight.double(), label_smoothing=smoothing)
            wanted = loss(outputs.double(), y)
        assert run.history[column][0] == pytest.approx(float(wanted), rel=1e-5), column
    assert trained.head.loss_function.state_dict().keys() == head.loss_function.state_dict().keys()


@pytest.mark.parametrize("kind", LOSSES)
def test_runs_of_a_stack_have_weights_of_their_own(kind: str) -> None:
    configs = variants([*LOSSES[kind], DRAWN], [{}, {}, {"optimizer.lr": 0.05}])
    plan = planned(configs)
    of_runs = plan.first.head.weights_of_runs
    assert of_runs is not None
    assert len(of_runs.unique(dim=0)) > 1, "the seeds draw splits of the same counts"
    assert vmap_blocker(plan) is None
    kept = Kept()
    train_stack(plan, len(configs), kept)
    assert_alike(kept, [alone(config) for config in configs])


def test_runs_of_stratified_splits_have_one_loss() -> None:
    """Where each class is split alike, whatever the seed draws."""
    configs = variants(LOSSES["focal"], [{}, {}])
    plan = planned(configs)
    assert plan.first.head.weights_of_runs is None
    kept = Kept()
    train_stack(plan, 2, kept)
    assert_alike(kept, [alone(config) for config in configs])


@pytest.mark.parametrize("kind", ["smoothed", "one logit"])
def test_a_stack_goes_on_from_checkpoints_to_the_same_bits(kind: str) -> None:
    configs = variants([*LOSSES[kind], DRAWN], [{}, {}, {}])
    assert_stack_goes_on(configs, 6)


def test_a_single_run_goes_on_to_the_same_bits() -> None:
    config = composed_quickly(LOSSES["focal"]).config
    assert_run_goes_on(config, 6)


def test_models_of_ones_own_train_together_with_weights_of_each_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "from torch import nn\n\n\nclass Net(nn.Module):\n"
        "    def __init__(self, in_features, out_features):\n        super().__init__()\n"
        "        self.one = nn.Linear(in_features, out_features)\n\n"
        "    def forward(self, x):\n        return self.one(x)\n"
    )
    write_module(tmp_path, "own_net", text, monkeypatch)
    words = [*LOSSES["cross entropy"], DRAWN, "model._target_=own_net.Net", "allow=[own_net]"]
    configs = variants(words, [{}, {}])
    plan = planned(configs)
    assert vmap_blocker(plan) is None
    kept = Kept()
    train_stack(plan, 2, kept)
    assert_alike(kept, [alone(config) for config in configs])


def test_commands_open_a_run_with_balanced_weights(seedbed: Command, tmp_path: Path) -> None:
    words = [*LOSSES["cross entropy"], "data.split={validation:0.2,test:0.2}", DRAWN]
    result = seedbed("train", "-m", *words, "seed=1,2,3", "sweep.fuse=always", "hydra.sweep.dir=s")
    assert result.code == 0, result.err
    run = next((tmp_path / "s").glob("1_*"))
    assert "class_counts" in json.loads((run / "preprocessing.json").read_text())
    told = json.loads(seedbed("evaluate", run, "--file", "rows.csv", "--json").out)
    assert told["metrics"]["loss"]["value"] > 0
    assert seedbed("summary", run).code == 0
    assert seedbed("predict", run, "--input", '[{"a": 0, "b": 1}]').out.strip() in "abc"
    again = seedbed("reproduce", run)
    assert (again.code, again.out.splitlines()[-1]) == (0, "identical"), again.err
    alone_words = [*words, "seed=2", "hydra.run.dir=one"]
    assert seedbed("train", *alone_words).code == 0
    assert seedbed("reproduce", "one").code == 0
    found = json.loads((tmp_path / "one" / "result.json").read_text())["metrics"]
    (row,) = [json.loads((run / "result.json").read_text())["metrics"]]
    assert found == pytest.approx(row, rel=1e-4)


def test_preprocessing_without_balanced_weights_holds_no_counts(tmp_path: Path) -> None:
    train(tmp_path / "run", *KINDS, "loss=cross_entropy", "loss.class_weights={a:2}")
    assert "class_counts" not in json.loads((tmp_path / "run" / "preprocessing.json").read_text())


def test_jobs_of_different_weights_are_compared_by_accuracy(seedbed: Command) -> None:
    words = [*KINDS, "data.split.seed=1", "loss=cross_entropy", "hydra.sweep.dir=s"]
    result = seedbed("train", "-m", *words, "loss.class_weights=null,auto,{a:2}", "seed=1,2")
    assert result.code == 0, result.err
    said = "jobs by val/accuracy, as val/loss cannot compare jobs whose loss.class_weights differ"
    assert said in result.out
    compared = seedbed("compare", "s")
    assert "val/accuracy" in compared.out
    refused = seedbed("compare", "s", "--metric", "val/loss")
    assert refused.code == 2
    assert "val/loss is not in one unit" in refused.errors[0]


def test_balanced_losses_of_other_training_rows_are_not_compared(seedbed: Command) -> None:
    """The rows that are measured are the same; those that decide the weights are not."""
    write_rows(Path("held_out.csv"), seed=1, rows=30)
    words = [*LOSSES["cross entropy"], "data.validation_path=held_out.csv"]
    words += ["data.split={validation:0,test:0.3}", DRAWN, "hydra.sweep.dir=s"]
    result = seedbed("train", "-m", *words, "seed=1,2")
    assert result.code == 0, result.err
    assert "by val/accuracy, as val/loss cannot compare jobs whose" in result.out
    assert seedbed("compare", "s", "--metric", "val/loss").code == 2
    given = [*words[:-1], "loss.class_weights={a:2}", "hydra.sweep.dir=given"]
    assert "by val/loss" in seedbed("train", "-m", *given, "seed=1,2").out


STRANGE = {
    "a text": {"label_smoothing": "a"},
    "a list": {"pos_weight": [1, 2]},
    "huge": {"pos_weight": 10**40},
    "a mapping": {"pos_weight": {"yes": 2}},
    "not counted": {"pos_weight": "auto"},
}


@pytest.fixture(scope="module")
def strange_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strange")
    write_rows(folder / "rows.csv")
    train(folder / "run", *SICK, f"data.path={folder / 'rows.csv'}", "loss=bce")
    return folder / "run"


@pytest.mark.parametrize("keys", STRANGE)
def test_weights_in_the_config_of_a_stranger_are_refused(
    seedbed: Command, strange_run: Path, tmp_path: Path, keys: str
) -> None:
    shutil.copytree(strange_run, tmp_path / "run")
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    config["loss"].update(STRANGE[keys])
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump(config))
    result = seedbed("predict", "run", "--input", '[{"a": 0, "b": 1}]')
    assert (result.code, len(result.errors)) == (2, 1), result.err
    assert "loss." in result.errors[0]


REFUSED = {
    "no such class": (
        [*KINDS, "loss=focal", "loss.class_weights={a:1,d:2}"],
        r"loss.class_weights: no class 'd' in 'kind'; there are a, b, c",
    ),
    "a near class": (
        [*SICK, "loss=focal", "loss.class_weights={yess:2}"],
        r"no class 'yess' in 'sick'; there are no, yes; did you mean 'yes'\?",
    ),
    "zero": (
        [*KINDS, "loss=cross_entropy", "loss.class_weights={a:0}"],
        r"loss.class_weights.a must be a number > 0, got 0",
    ),
    "zero in float32": (
        [*KINDS, "loss=cross_entropy", "loss.class_weights={a:1e-60}"],
        r"loss.class_weights.a must be a number > 0, of which 1.2e-38 is the least in float32",
    ),
    "of one logit": (
        [*SICK, "loss=bce", "loss.pos_weight=1e-60"],
        r"loss.pos_weight must be a number > 0, of which 1.2e-38 is the least",
    ),
    "a text": (
        [*KINDS, "loss=cross_entropy", "loss.class_weights={a:much}"],
        r"loss.class_weights.a must be a number > 0, got 'much'",
    ),
    "a word": (
        [*KINDS, "loss=cross_entropy", "loss.class_weights=balanced"],
        r"loss.class_weights must be .*auto.* or null, got 'balanced'",
    ),
    "a list": (
        [*KINDS, "loss=cross_entropy", "loss.class_weights=[1,2,3]"],
        r"loss.class_weights must be .*auto.* or null, got \[1, 2, 3\]",
    ),
    "negative": (
        [*SICK, "loss=bce", "loss.pos_weight=-1"],
        r"loss.pos_weight must be .*> 0.* got -1",
    ),
    "gamma": ([*KINDS, "loss=focal", "loss.gamma=-1"], r"loss.gamma must be a number >= 0, got -1"),
    "smoothing": (
        [*SICK, "loss=bce", "loss.label_smoothing=1"],
        r"loss.label_smoothing must be a number >= 0 and < 1, got 1",
    ),
    "real values": (
        [*TABLE, "data.target=a", "loss=focal"],
        r"loss=focal does not fit the target 'a', which is real-valued",
    ),
    "more than two": (
        [*KINDS, "loss=bce", "loss.pos_weight=auto"],
        r"loss=bce does not fit the target 'kind', which is one of 3 classes",
    ),
    "no key of it": ([*TABLE, "data.target=a", "loss=l1", "loss.class_weights=auto"], "no key"),
}


@pytest.mark.parametrize("words", REFUSED)
def test_weights_that_do_not_fit_are_refused(seedbed: Command, words: str) -> None:
    asked, said = REFUSED[words]
    result = seedbed("train", *asked)
    assert (result.code, len(result.errors)) == (2, 1), result.err
    assert re.search(said, result.errors[0]), result.errors[0]
    assert not Path("outputs").exists()


def test_two_weights_of_one_class_are_refused() -> None:
    text = Path("rows.csv").read_text().replace(",yes", ",1").replace(",no", ",0")
    Path("rows.csv").write_text(text)
    _, plan = prepared(*SICK)
    with pytest.raises(ConfigError, match="the class '1' has two weights"):
        class_weights({"1": 2, "1.0": 3}, plan.data.preprocessing)


def test_rows_that_nobody_looked_at_cannot_be_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "import torch\nfrom torch.utils.data import Dataset\n\n\nclass Rows(Dataset):\n"
        "    def __len__(self):\n        return 40\n\n    def __getitem__(self, index):\n"
        "        return torch.ones(2) * (index % 4 == 0), int(index % 4 == 0)\n"
    )
    write_module(tmp_path, "own_rows", text, monkeypatch)
    words = ["data=dataset", "+data.train._target_=own_rows.Rows", "allow=[own_rows]"]
    words += ["loss=cross_entropy", "loss.class_weights=auto", "data.split.validation=0.25"]
    _, plan = prepared(*words)
    y = np.array([int(plan.data.train[row][1]) for row in range(len(plan.data.train))])
    wanted = compute_class_weight("balanced", classes=np.arange(2), y=y)
    np.testing.assert_allclose(weights_in(plan.head.loss_function), wanted, rtol=1e-6)
    with pytest.raises(ConfigError, match=r"not all of them were looked at; type data.check_rows"):
        prepared(*words, "data.check_rows=10")


def test_configs_from_before_the_keys_still_train(tmp_path: Path) -> None:
    from seedbed.config.check import checked

    for words, key in ((KINDS, "class_weights"), (SICK, "pos_weight")):
        loss = "bce" if words is SICK else "cross_entropy"
        plain = dict(composed_quickly([*words, f"loss={loss}"]).resolved)
        plain["loss"] = {k: v for k, v in plain["loss"].items() if k != key}
        config: RunConfig = checked(plain)
        plan = build_run(config, AllowList([]))
        assert weights_in(plan.head.loss_function) is None
        head = build_task_head(config.loss, AllowList([]), plan.data.preprocessing)
        assert type(head.loss_function) is type(plan.head.loss_function)


def test_first_line_of_a_run_tells_the_weights(seedbed: Command) -> None:
    told = seedbed("train", *SICK, "loss=bce", "loss.pos_weight=2.5", "trainer.epochs=1").out
    assert "(2 classes); BCEWithLogitsLoss (weights yes 2.5), " in told
    told = seedbed("train", *KINDS, "loss=focal", "loss.class_weights={a:2}").out
    assert "(3 classes); FocalLoss (weights a 2, b 1, c 1), " in told
