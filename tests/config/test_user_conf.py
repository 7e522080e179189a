"""A person's own config folder, model and Dataset, in files of their own beside where they type."""

import json
import re
from pathlib import Path

import pytest
import torch
import yaml

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, in_features: int, out_features: int, depth: int = 1):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(in_features, in_features) for _ in range(depth))
        self.last = nn.Linear(in_features, out_features)

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(x))
        return self.last(x)
"""

ROWS = """
import torch
from torch.utils.data import Dataset

class Rows(Dataset):
    classes = ["low", "high"]

    def __init__(self, rows: int, width: int = 3):
        self.x = torch.arange(rows * width, dtype=torch.float32).reshape(rows, width)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index], int(index * 2 >= len(self))
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path, seedbed) -> Path:
    """A package `my_package` with a network and a Dataset, where the commands are typed."""
    write(tmp_path / "my_package/__init__.py", "")
    write(tmp_path / "my_package/nets.py", NET)
    write(tmp_path / "my_package/rows.py", ROWS)
    return tmp_path


MY_NET = ["model._target_=my_package.nets.Net", "trainer.epochs=1"]


def config_of(run: Path) -> dict:
    return yaml.safe_load((run / "config.yaml").read_text())


# Config folders


def test_options_in_conf_are_found(seedbed, tmp_path: Path) -> None:
    write(tmp_path / "conf/optimizer/mine.yaml", "defaults: [sgd]\nlr: 0.25\n")
    write(tmp_path / "conf/experiment/mine.yaml", "# @package _global_\ntrainer: {epochs: 1}\n")
    config = config_of(seedbed("train", "optimizer=mine", "experiment=mine").run)
    assert config["optimizer"] | {"lr": 0.25, "momentum": 0.0} == config["optimizer"]
    assert config["trainer"]["epochs"] == 1


def test_an_option_of_ones_own_goes_before_ours(seedbed, tmp_path: Path) -> None:
    write(tmp_path / "conf/trainer/quick.yaml", "defaults: [default]\nepochs: 2\n")
    assert config_of(seedbed("train", "trainer=quick").run)["trainer"]["epochs"] == 2


@pytest.mark.parametrize("flag", [["--config-dir", "mine"], ["--config-dir=mine"], ["-cd", "mine"]])
def test_a_folder_can_be_named(seedbed, tmp_path: Path, flag: list[str]) -> None:
    write(tmp_path / "mine/trainer/brief.yaml", "defaults: [default]\nepochs: 1\n")
    assert seedbed("train", "trainer=brief").code == 2
    assert config_of(seedbed("train", *flag, "trainer=brief").run)["trainer"]["epochs"] == 1
    shown = seedbed("train", "trainer=brief", "--cfg", "job", *flag)
    assert yaml.safe_load(shown.out)["trainer"]["epochs"] == 1


def test_a_folder_can_be_named_to_the_other_commands(seedbed, tmp_path: Path) -> None:
    write(tmp_path / "mine/model/wide.yaml", "defaults: [custom]\nhidden: [64]\n")
    words = ["--config-dir", "mine", "model=wide"]
    assert json.loads(seedbed("summary", *words, "--json").out)["total"] == 257
    assert json.loads(seedbed("validate", *words, "--json").out)["parameters"] == 257


def test_a_sweep_sees_ones_own_options(seedbed, tmp_path: Path) -> None:
    write(tmp_path / "conf/trainer/brief.yaml", "defaults: [default]\nepochs: 1\n")
    sweep = seedbed("train", "-m", "trainer=brief", "model=custom,manual").sweep
    epochs = [config_of(path.parent)["trainer"]["epochs"] for path in sweep.glob("*/config.yaml")]
    assert epochs == [1, 1]


def test_a_config_of_ones_own_builds_on_ours(seedbed, tmp_path: Path) -> None:
    text = "defaults: [seedbed, _self_]\nname: mine\ntrainer: {epochs: 1}\noptimizer: {lr: 0.5}\n"
    write(tmp_path / "conf/config.yaml", text)
    result = seedbed("train", "seed=3")
    assert result.run.parent == tmp_path / "outputs/mine"
    config = config_of(result.run)
    assert (config["seed"], config["optimizer"]["lr"]) == (3, 0.5)
    assert seedbed("train", "optimizer.lrr=1").errors == [
        "error: no key 'optimizer.lrr'; did you mean 'optimizer.lr'?"
    ]


def test_a_config_of_ones_own_may_choose_other_options(seedbed, tmp_path: Path) -> None:
    text = "defaults: [seedbed, {override /model: manual}, _self_]\n"
    write(tmp_path / "conf/config.yaml", text)
    run = seedbed("train", "trainer.epochs=1").run
    assert config_of(run)["model"]["_target_"] == "seedbed.models.ManualMLP"


def test_a_config_of_another_name_can_be_chosen(seedbed, tmp_path: Path) -> None:
    write(tmp_path / "conf/other.yaml", "defaults: [config, _self_]\nname: other\n")
    result = seedbed("train", "--config-name", "other", "trainer.epochs=1")
    assert result.run.parent.name == "other"


# Classes


def test_a_network_of_ones_own_is_trained_and_predicts(
    seedbed, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = seedbed("train", *MY_NET, "allow=[my_package]", "+model.depth=2")
    assert result.code == 0
    weights = torch.load(result.run / "model.pth", weights_only=True)
    assert "layers.1.weight" in weights
    monkeypatch.setenv("SEEDBED_ALLOW", "my_package")
    predicted = seedbed("predict", result.run, "--input", "[[1, 2]]", "--json")
    assert len(json.loads(predicted.out)["predictions"]) == 1
    layers = json.loads(seedbed("inspect", result.run, "--layers", "--json").out)["layers"]
    assert layers["layers.1"] == [2]


def test_the_environment_allows_a_package(
    seedbed, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert seedbed("train", *MY_NET).code == 2
    monkeypatch.setenv("SEEDBED_ALLOW", "my_package")
    assert seedbed("train", *MY_NET).code == 0


def test_a_config_of_ones_own_allows_a_package(seedbed, project: Path) -> None:
    write(project / "conf/config.yaml", "defaults: [seedbed, _self_]\nallow: [my_package]\n")
    write(project / "conf/model/mine.yaml", "_target_: my_package.nets.Net\ndepth: 3\n")
    result = seedbed("train", "model=mine", "trainer.epochs=1")
    assert result.code == 0
    assert seedbed("predict", result.run, "--input", "[[1, 2]]").code == 0


def test_a_key_that_ones_own_network_lacks_is_refused(seedbed, project: Path) -> None:
    result = seedbed("validate", *MY_NET, "allow=[my_package]", "+model.dept=2")
    assert result.errors == [
        "error: no key 'model.dept': Net takes in_features, out_features, depth; "
        "did you mean 'depth'?"
    ]


def test_a_network_that_breaks_is_reported_before_a_run_starts(seedbed, project: Path) -> None:
    broken = NET.replace("return self.last(x)", "return self.last(x[:, :1])")
    write(project / "my_package/nets.py", broken)
    result = seedbed("train", *MY_NET, "allow=[my_package]")
    assert result.code == 2
    assert "model: forward raises RuntimeError: " in result.errors[0]
    assert re.search(r"\(my_package/nets\.py, line \d+, in forward\)", result.errors[0])
    assert "given a batch of (2, 2) float32" in result.errors[0]
    assert not (project / "outputs").exists()


def test_a_network_that_breaks_while_training_fails_the_run(seedbed, project: Path) -> None:
    failing = NET.replace(
        "for layer in", "assert self.training or len(x) < 3, 'too many'\n        for layer in"
    )
    write(project / "my_package/nets.py", failing)
    split = "data.split={validation: 0.5, test: 0}"
    more = "data.x=[[1,1],[2,2],[3,3],[4,4],[5,5],[6,6]]", "data.y=[1,2,3,4,5,6]"
    result = seedbed("train", *MY_NET, "allow=[my_package]", split, *more)
    assert result.code == 1
    (error,) = result.errors
    assert "AssertionError: too many (my_package/nets.py, line " in error
    (run,) = (project / "outputs/sum").iterdir()
    assert json.loads((run / "status.json").read_text())["status"] == "failed"
    assert "Traceback" in (run / "run.log").read_text()


def test_a_dataset_of_ones_own_is_trained_on(seedbed, project: Path) -> None:
    write(
        project / "conf/data/mine.yaml",
        "defaults: [dataset]\n"
        "train: {_target_: my_package.rows.Rows, rows: 8}\n"
        "validation: {_target_: my_package.rows.Rows, rows: 4}\n",
    )
    words = ["data=mine", "allow=[my_package]", "trainer.epochs=1"]
    result = seedbed("train", *words)
    assert result.code == 0
    assert "8 rows to train on, 4 for validation (2 classes)" in result.out
    answer = seedbed("predict", result.run, "--input", "[[1, 2, 3]]", "--json").out
    assert json.loads(answer)["classes"] == ["low", "high"]


def test_a_dataset_can_be_named_in_words(seedbed, project: Path) -> None:
    words = ["data=dataset", "+data.train._target_=my_package.rows.Rows", "+data.train.rows=6"]
    result = seedbed("validate", *words, "allow=[my_package]")
    assert result.code == 0
    assert "valid: 6 rows to train on, binary" in result.out


# Whose word counts


def test_a_run_directory_allows_nothing(
    seedbed, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = seedbed("train", *MY_NET, "allow=[my_package]").run
    assert config_of(run)["allow"] == ["my_package"]
    for command in (["predict", run, "--input", "[[1, 2]]"], ["inspect", run, "--weights"]):
        result = seedbed(*command)
        assert result.code == 2
        (error,) = result.errors
        assert "'my_package.nets.Net' is not allowed" in error
        assert "SEEDBED_ALLOW=my_package" in error
    monkeypatch.setenv("SEEDBED_ALLOW", "my_package")
    assert seedbed("predict", run, "--input", "[[1, 2]]").code == 0


def test_a_config_beside_a_run_directory_allows_nothing(seedbed, project: Path) -> None:
    run = seedbed("train", *MY_NET, "allow=[my_package]").run
    write(run / "conf/config.yaml", "allow: [my_package]\n")
    assert "is not allowed" in seedbed("summary", run).errors[0]
