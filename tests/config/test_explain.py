"""Hydra's refusals are told again in one line, with the nearest right name."""

import re
from pathlib import Path

import pytest

from seedbed.compose.compose import ConfigSource, composed
from seedbed.config.hints import did_you_mean, joined, nearest, size_text
from seedbed.errors import ConfigError


def problems(*words: str, folder: Path | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        composed(words, ConfigSource(folder))
    return caught.value.problems


def test_every_wrong_override_is_reported() -> None:
    told = problems("optimizer.lrr=1", "model=custm", "modle=x", "trainer.epoch=3")
    assert [line.partition(";")[0] for line in told] == [
        "model: no option 'custm'",
        "no key 'optimizer.lrr'",
        "no key 'modle'",
        "no key 'trainer.epoch'",
    ]


def test_every_unreadable_override_is_reported() -> None:
    told = problems("foo", "model.hidden=[1", "seed=1")
    assert len(told) == 2


def test_keys_are_looked_up_in_the_option_that_was_chosen() -> None:
    assert problems("optimizer=adam", "optimizer.momentum=0.9") == [
        "no key 'optimizer.momentum'; there are optimizer._target_, optimizer.amsgrad, "
        "optimizer.betas, optimizer.decoupled_weight_decay, optimizer.eps, optimizer.groups, "
        "optimizer.lr, optimizer.maximize, optimizer.no_decay, optimizer.weight_decay; "
        "optimizer=muon, rmsprop and sgd have it"
    ]
    assert (
        composed(["optimizer=rmsprop", "optimizer.momentum=0.9"]).config.optimizer["momentum"]
        == 0.9
    )


def test_keys_of_a_group_with_an_unknown_option_are_left_open() -> None:
    (told,) = problems("optimizer=addam", "optimizer.betas=[0.9,0.9]")
    assert told.startswith("optimizer: no option 'addam'")


def test_a_key_below_a_value_that_is_not_there_yet_asks_for_a_plus() -> None:
    told = problems("data=dataset", "data.train._target_=mine.Rows", "data.test.root=a")
    assert told == [
        "no key 'data.train._target_'; type +data.train._target_=VALUE",
        "no key 'data.test.root'; type +data.test.root=VALUE",
    ]


def test_a_key_below_one_that_holds_a_value_asks_for_no_plus() -> None:
    told = problems("loader.collate.size=3", "trainer.swa_start.epoch=1", "model.in_features.a=1")
    assert told == [
        f"no key '{key}'; {key.rpartition('.')[0]} is a value, and holds no keys"
        for key in ("loader.collate.size", "trainer.swa_start.epoch", "model.in_features.a")
    ]


def test_a_right_key_with_a_plus_is_taken() -> None:
    assert composed(["++optimizer.lr=0.5"]).config.optimizer["lr"] == 0.5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("defaults: [{override /optimiser: adam}]", "Could not override 'optimiser'"),
        ("defaults: [{/model: manual}]", "model has an option already; .* 'override /model: OPT"),
        ("defaults: [missing]", "no 'experiment/missing' in any config folder; there are "),
        ("seed: [", r"mine\.yaml\", line 3"),
        ("\tseed: 1", "cannot start any token"),
    ],
    ids=["group", "second option", "file", "bracket", "tab"],
)
def test_mistakes_in_yaml_are_reported(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "mine/experiment/mine.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(f"# @package _global_\n{text}\n")
    (line,) = problems("experiment=mine", folder=tmp_path / "mine")
    assert "\n" not in line
    assert re.search(told, line)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("optimizer.lrr", "optimizer.lr"),
        ("lrr", "optimizer.lr"),
        ("batchsize", "loader.batch_size"),
        ("sead", "seed"),
        ("trainer.batch_size", "loader.batch_size"),
        ("optimiser.lr", "optimizer.lr"),
        ("loader.qqq", None),
        ("zzz", None),
    ],
)
def test_the_nearest_name_is_found(name: str, near: str | None) -> None:
    names = ["seed", "optimizer.lr", "trainer.epochs", "loader.batch_size", "loader.shuffle"]
    names += ["loader"]
    assert nearest(name, names) == near
    assert did_you_mean(name, names) == (f"; did you mean '{near}'?" if near else "")


def test_a_long_list_is_cut() -> None:
    assert joined("abc") == "a, b, c"
    assert joined("abcd", limit=2) == "a, b and 2 more"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1234, "1.23 kB"),
        (999_600, "1 MB"),
        (4e9, "4 GB"),
        (2.5e13, "25 TB"),
    ],
)
def test_a_size_has_three_digits_and_a_unit(count: float, text: str) -> None:
    assert size_text(count) == text
