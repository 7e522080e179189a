"""Groups of parameters against torch's own `param_groups`, alone and in stacks."""

import copy
import json
from pathlib import Path

import pytest
import torch
from support import single_runs
from support.command_line import Command
from torch import nn

from seedbed.errors import ConfigError, NotAllowedError
from seedbed.runs.layout import RunPaths
from seedbed.training.parameter_groups import parameter_groups, settings_of_groups

IRIS = ("data=sklearn", "data.dataset=iris", "loader.batch_size=16", "model.hidden=[6,5]")
HEAD = "optimizer.groups={head:{params:'^hidden_to_output',lr:0.05,weight_decay:0.2}}"
ADAMW = ("optimizer=adamw", "optimizer.lr=0.01", "optimizer.weight_decay=0.1")


class Net(nn.Module):
    """Norms of several kinds, a matrix called bias, and a norm whose weight is a matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.PReLU())
        self.norm = nn.LayerNorm([3, 3])
        self.head = nn.Linear(18, 4)
        self.position_bias = nn.Parameter(torch.zeros(3, 3))
        self.scale = nn.Parameter(torch.ones(()))


DECAYED = ["features.0.weight", "head.weight"]


def test_no_decay_spares_norms_biases_and_what_has_one_dimension() -> None:
    base, spared = parameter_groups({"no_decay": True}, Net())
    assert base.names == DECAYED
    assert base.settings == {}
    assert spared.settings == {"weight_decay": 0.0}
    names = [name for name, _ in Net().named_parameters()]
    assert sorted(base.names + spared.names) == sorted(names)


def test_the_first_expression_that_matches_wins() -> None:
    groups = {
        "weights": {"params": r"\.weight$", "lr": 0.5},
        "head": {"params": "^head", "lr": 0.1, "weight_decay": 0.3},
    }
    spec = {"groups": groups, "no_decay": True}
    found = parameter_groups(spec, Net())
    assert [one.names for one in found[2:4]] == [
        DECAYED,
        ["features.1.weight", "features.2.weight", "norm.weight"],
    ]
    assert [one.names for one in found[4:]] == [[], ["head.bias"]]
    assert [one.settings for one in found] == settings_of_groups(spec)
    assert found[-1].settings == {"lr": 0.1, "weight_decay": 0.0}


def test_a_run_with_groups_is_a_plain_loop_with_torchs(tmp_path: Path) -> None:
    words = (*IRIS, *ADAMW, HEAD, "optimizer.no_decay=true", "trainer.epochs=3")
    _, plan = single_runs.prepared(*words)
    model = copy.deepcopy(plan.model)
    named = dict(model.named_parameters())
    head = {name: one for name, one in named.items() if name.startswith("hidden_to_output")}
    body = {name: one for name, one in named.items() if name not in head}
    optimizer = torch.optim.AdamW(
        [
            {"params": [one for name, one in body.items() if "bias" not in name]},
            {"params": [one for name, one in body.items() if "bias" in name], "weight_decay": 0.0},
            {"params": [head["hidden_to_output_layer.weight"]], "lr": 0.05, "weight_decay": 0.2},
            {"params": [head["hidden_to_output_layer.bias"]], "lr": 0.05, "weight_decay": 0.0},
        ],
        lr=0.01,
        weight_decay=0.1,
    )
    for epoch in range(3):
        for x, y in plan.train.epoch(epoch):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y.long()).backward()
            optimizer.step()
    trained = single_runs.train(tmp_path / "run", *words, "trainer.select=last")
    for name, one in named.items():
        torch.testing.assert_close(trained.weights[name], one.detach(), rtol=1e-6, atol=1e-7)
    assert set(trained.history["lr"]) == {0.01}


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "rmsprop", "adagrad", "lion", "radam"])
def test_a_sweep_over_values_of_groups_fuses(
    seedbed: Command, tmp_path: Path, optimizer: str
) -> None:
    groups = [HEAD.replace("0.05", rate) for rate in ("0.01", "0.002")]
    over = ",".join([groups[0], groups[1].partition("=")[2]])
    words = (*IRIS, f"optimizer={optimizer}", "optimizer.no_decay=true", "trainer.epochs=3")
    words = (*words, "optimizer.weight_decay=0.1", "scheduler=exponential", "data.split.seed=0")
    done = seedbed("train", "-m", over, *words, "hydra.sweep.dir=s", "sweep.fuse=always")
    assert done.code == 0, done.err
    folders = sorted(path.parent for path in (tmp_path / "s").glob("*/result.json"))
    for number, folder in enumerate(folders):
        assert json.loads((folder / "result.json").read_text())["engine"] == "fused"
        one = single_runs.train(tmp_path / f"{number}", *words, groups[number])
        among = single_runs.history(RunPaths(folder))
        assert among["val/loss"] == pytest.approx(one.history["val/loss"], rel=1e-4)
        assert among["lr"] == pytest.approx(one.history["lr"])
        saved, own = (
            torch.load(RunPaths(path).last, weights_only=True)["optimizer"]["param_groups"]
            for path in (folder, tmp_path / f"{number}")
        )
        for group, other in zip(saved, own, strict=True):
            assert group["params"] == other["params"]
            assert group["lr"] == pytest.approx(other["lr"])
            assert group["weight_decay"] == other["weight_decay"]
    assert seedbed("reproduce", folders[1]).out.endswith("identical\n")


def test_a_switch_in_a_group_runs_singly(seedbed: Command) -> None:
    groups = "optimizer.groups={head:{params:'^hidden_to',nesterov:false}}"
    done = seedbed("train", "-m", "seed=1,2", groups, "trainer.epochs=1")
    assert "optimizer.groups.head.nesterov is a switch, which a stack has one of" in done.out


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["{a:{params:'^nope'}}"], "optimizer.groups.a.params: '^nope' matches none of"),
        (["{a:{params:'('}}"], "optimizer.groups.a.params: '(' is no regular expression"),
        (["{a:{params:'(x+)+'}}"], "repeats a group, which no name needs"),
        (["{a:{lr:0.1}}"], "optimizer.groups.a.params is missing"),
        (["{a:{params:x,lrr:1}}"], "no key 'optimizer.groups.a.lrr'; did you mean"),
        (["{a:{params:x,lr:-1}}"], "optimizer.groups.a.lr must be a number > 0, got -1"),
        (["{a:3}"], "optimizer.groups.a must hold params, an expression"),
        (["3"], "optimizer.groups must"),
        (["{a:{params:hidden},b:{params:bias}}"], "optimizer.groups.b.params: all that it matches"),
        (["{a:{params:hidden,lr:1}}", "scheduler=onecycle"], "OneCycleLR gives all groups"),
        (["null", "optimizer=rprop", "optimizer.no_decay=true"], "Rprop has no 'weight_decay'"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line(seedbed: Command, words: list[str], error: str) -> None:
    groups, *others = words
    done = seedbed("validate", f"optimizer.groups={groups}", *others)
    assert (done.code, len(done.errors)) == (2, 1), done.err
    assert error in done.err


def test_no_decay_beside_no_decay_is_told(seedbed: Command) -> None:
    done = seedbed("validate", "optimizer.no_decay=true")
    assert "changes nothing while optimizer.weight_decay is 0" in done.out


def test_a_class_of_ones_own_refuses_what_it_would_never_look_at() -> None:
    from seedbed.components import AllowList
    from seedbed.training.optimization import build_optimizer

    weights = [[nn.Parameter(torch.zeros(2))] for _ in range(2)]
    groups = [(weights[0], {}), (weights[1], {"betas": [0.9, 0.99]})]
    with pytest.raises(NotAllowedError, match="SGD has no 'betas' for a group of parameters"):
        build_optimizer({"_target_": "torch.optim.SGD", "lr": 0.1}, AllowList(), groups)


def test_all_mistakes_are_told_at_once() -> None:
    spec = {"groups": {"a": {"params": "^x"}, "b": {"params": "^y"}}}
    with pytest.raises(ConfigError) as raised:
        parameter_groups(spec, Net())
    assert len(raised.value.problems) == 2
