"""A class named over an option leaves no key that is dropped, or asked for, without a word."""

import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbed.compose.compose import composed
from seedbed.config.options import fitted_to_classes, options_of
from seedbed.config.target_keys import TARGET_KEYS, arguments_of

NETS = """
from torch import nn


class Net(nn.Linear):
    def __init__(self, in_features, out_features, width=3):
        super().__init__(in_features, out_features)
"""

OVER = {
    "loss._target_=torch.nn.CrossEntropyLoss": {"label_smoothing": 0.0},
    "loss._target_=torch.nn.HuberLoss": {"delta": 1.0},
    "optimizer._target_=torch.optim.Adam": {"betas": [0.9, 0.999], "lr": 0.001, "amsgrad": False},
    "scheduler._target_=torch.optim.lr_scheduler.CosineAnnealingLR": {"T_max": 50},
    "scheduler._target_=torch.optim.lr_scheduler.OneCycleLR": {"max_lr": 0.001},
    "model._target_=seedbed.models.ManualMLP": {"start": "uniform", "hidden": [8]},
}


@pytest.fixture
def own_net() -> None:
    Path("classed_nets.py").write_text(NETS)
    sys.modules.pop("classed_nets", None)


@pytest.mark.parametrize("word", OVER)
def test_a_class_of_torchs_or_ours_has_its_keys(word: str) -> None:
    group = word.partition(".")[0]
    made = composed([word])
    held = made.resolved[group]
    assert {key: held[key] for key in OVER[word]} == OVER[word]
    assert getattr(made.config, group) == held
    assert made.notes


@pytest.mark.parametrize("option", ["adam", "rmsprop", "adagrad", "sgd"])
@pytest.mark.parametrize("over", ["adamw", "sgd"])
def test_every_optimizer_over_every_other(option: str, over: str) -> None:
    target = options_of("optimizer")[option]["_target_"]
    made = composed([f"optimizer={over}", f"optimizer._target_={target}", "optimizer.lr=0.5"])
    arguments = arguments_of("optimizer", made.config.optimizer)
    del arguments["_target_"]
    built = getattr(torch.optim, target.rpartition(".")[2])([torch.ones(1)], **arguments)
    assert built.param_groups[0]["lr"] == 0.5
    assert bool(made.notes) == (option != over)


@pytest.mark.parametrize("value", ["[8]", "[16]"])
def test_a_key_that_ones_own_class_does_not_take_is_reported_whatever_its_value(
    seedbed: Callable, own_net: None, value: str
) -> None:
    words = ["allow=[classed_nets]", "model._target_=classed_nets.Net", f"model.hidden={value}"]
    for command in ("validate", "train"):
        result = seedbed(command, *words, "trainer.epochs=1")
        assert result.code == 0, result.err
        (note,) = [line for line in result.out.splitlines() if line.startswith("note: ")]
        assert f"Net does not take model.hidden={value}" in note
    assert note in (result.run / "run.log").read_text()
    told = json.loads(seedbed("validate", *words, "--json").out)
    assert [f"note: {one}" for one in told["notes"]] == [note]


@pytest.mark.parametrize("fuse", ["auto", "never"])
def test_a_sweep_tells_it_once(seedbed: Callable, own_net: None, fuse: str) -> None:
    words = [
        "allow=[classed_nets]",
        "model._target_=classed_nets.Net",
        "trainer.epochs=1",
        "model.hidden=[16]",
    ]
    result = seedbed("train", "-m", *words, "seed=1,2", f"sweep.fuse={fuse}")
    assert result.code == 0, result.err
    assert result.out.count("does not take model.hidden=[16]") == 1


def test_a_class_that_takes_all_has_no_note(seedbed: Callable, own_net: None) -> None:
    Path("conf/model").mkdir(parents=True)
    text = "_target_: classed_nets.Net\nin_features: null\nout_features: null\nwidth: 5\n"
    Path("conf/model/own.yaml").write_text(text)
    result = seedbed("validate", "allow=[classed_nets]", "model=own")
    assert (result.code, "note:" in result.out) == (0, False)


def test_a_key_of_no_option_is_still_refused(seedbed: Callable, own_net: None) -> None:
    result = seedbed(
        "validate", "allow=[classed_nets]", "model._target_=classed_nets.Net", "+model.wdth=4"
    )
    assert result.code == 2
    assert result.err == (
        "error: no key 'model.wdth': Net takes in_features, out_features, width; "
        "did you mean 'width'?\n"
    )


def test_what_an_option_lacks_itself_is_asked_for() -> None:
    plain = composed([]).resolved
    optimizer = {key: value for key, value in plain["optimizer"].items() if key != "momentum"}
    held = {**plain, "optimizer": optimizer}
    assert fitted_to_classes(held, {"optimizer": "sgd"}) == (held, ())


def test_the_runs_config_holds_what_was_used(seedbed: Callable) -> None:
    run = seedbed("train", "optimizer._target_=torch.optim.Adam", "trainer.epochs=1").run
    optimizer = yaml.safe_load((run / "config.yaml").read_text())["optimizer"]
    assert optimizer == {**options_of("optimizer")["adam"], "lr": 0.001}
    assert seedbed("reproduce", run).code == 0


@cache
def _plain() -> dict[str, Any]:
    return composed([]).resolved


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_keys_are_kept_dropped_or_filled_and_each_is_named(data: st.DataObject) -> None:
    plain = _plain()
    group = data.draw(st.sampled_from(sorted(TARGET_KEYS)))
    options = options_of(group)
    held: dict[str, Any] = dict(options[data.draw(st.sampled_from(sorted(options)))])
    held["_target_"] = data.draw(st.sampled_from(sorted(options)).map(lambda n: options[n]))[
        "_target_"
    ]
    before = {**plain, group: held}
    fitted, notes = fitted_to_classes(before, {group: "of somebody else's"})
    told = " ".join(notes)
    for key in held.keys() ^ fitted[group].keys():
        assert f"{group}.{key}=" in told
    assert {key: fitted[group][key] for key in held.keys() & fitted[group].keys()} == {
        key: held[key] for key in held.keys() & fitted[group].keys()
    }
    assert fitted_to_classes(fitted, {group: "of somebody else's"}) == (fitted, ())
