"""Faults of tables of runs that were reported of other tools: each is held against ours.

Source: mlflow 25640, 3406, 3117, 5341; wandb 9777, 10348, 6460, 6222; ray 9364, 17923.
"""

import csv
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.command_line import Command

import seedbed as front
from seedbed.catalog.values import identity
from seedbed.errors import ArgumentError


def write_run(folder: Path, value: float | None, seed: int = 0, **settings: Any) -> None:
    """A run directory with what a table reads; `a__b` is the key `a.b`."""
    config: dict[str, Any] = {"seed": seed, "loss": {"_target_": "torch.nn.MSELoss"}}
    for key, setting in settings.items():
        group, _, name = key.partition("__")
        config.setdefault(group, {})[name] = setting
    result = {"status": "completed", "metrics": {"val/loss": value}, "best": {}}
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    (folder / "status.json").write_text('{"status": "completed"}')
    (folder / "result.json").write_text(json.dumps(result))


def write_sweep(folder: Path, key: str, values: list[Any]) -> None:
    """Two seeds of each value."""
    for at, value in enumerate(values):
        for seed in (0, 1):
            write_run(folder / f"{at}_{seed}", 1 + at + seed / 10, seed, **{key: value})


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def names(seedbed: Command, *words: object) -> list[str]:
    result = seedbed("runs", *words, "--columns", "name", "--csv")
    assert result.code == 0, result.err
    return [row["name"] for row in rows(result.out)]


VALUES: Mapping[str, float | None] = {"small": 0.05, "undefined": None, "large": 0.5}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("<0.1", ["small"]),
        ("<=0.1", ["small"]),
        ("=0", []),
        (">0.1", ["large"]),
        (">=0", ["large", "small"]),
        ("!=0.5", ["small", "undefined"]),
        (" in [0, 0.5]", ["large"]),
    ],
)
def test_nan_fulfils_no_comparison_but_is_not_equal(
    seedbed: Command, tmp_path: Path, asked: str, found: list[str]
) -> None:
    """One store took NaN for 0, so that runs that diverged were below any bound."""
    for name, value in VALUES.items():
        write_run(tmp_path / "runs" / name, value)
    assert sorted(names(seedbed, "runs", "--filter", f"val/loss{asked}")) == found


def test_infinite_and_undefined_values_are_sorted(seedbed: Command, tmp_path: Path) -> None:
    for name, value in {"a": math.inf, "b": -math.inf, "c": 1.0, "d": None, "e": 10**400}.items():
        write_run(tmp_path / "runs" / name, value)
    assert names(seedbed, "runs", "--sort", "val/loss,name") == ["b", "c", "e", "a", "d"]
    assert names(seedbed, "runs", "--sort", "-val/loss,-name")[-2:] == ["b", "d"]


@pytest.mark.parametrize("key", ["a b", "a,b", "0", "not", "x-y", "in"])
def test_a_key_of_any_name_is_filtered_sorted_and_shown(
    seedbed: Command, tmp_path: Path, key: str
) -> None:
    for value in (1, 2, 3):
        write_run(tmp_path / f"runs/{value}", 1.0, **{f"encoder__{key}": value})
    name = f"`encoder.{key}`"
    assert names(seedbed, "runs", "--filter", f"{name}>1", "--sort", f"-{name}") == ["3", "2"]
    told = rows(seedbed("runs", "runs", "--columns", f"name,{name}", "--csv").out)
    assert sorted(row[f"encoder.{key}"] for row in told) == ["1", "2", "3"]


CLOSE = [0.003, 0.0030000001, 0.1 + 0.2, 0.3]


def test_settings_that_differ_never_look_the_same(seedbed: Command, tmp_path: Path) -> None:
    """Groups of 0.003 and of what rounds to it stood under one name."""
    write_sweep(tmp_path / "close", "optimizer__lr", CLOSE)
    result = seedbed("compare", "close")
    table = [line.split() for line in result.out.splitlines()[2:6]]
    assert [float(cells[1]) for cells in table] == CLOSE
    assert "optimizer.lr=0.003 against the next, optimizer.lr=0.0030000001" in result.out
    shown = {line.split()[4] for line in seedbed("runs", "close").out.splitlines()[2:]}
    assert {float(cell) for cell in shown} == set(CLOSE)
    write_sweep(tmp_path / "plain", "optimizer__lr", [0.0012345678, 0.3])
    assert "0.0012346" in seedbed("compare", "plain").out  # where five digits do


KINDS = [[8], [8, 8], 8, "8", ["8"], [True], True, None]


def test_lists_numbers_and_texts_are_settings_of_their_own(
    seedbed: Command, tmp_path: Path
) -> None:
    """A list of two equal values was shown as the value."""
    write_sweep(tmp_path / "runs", "model__hidden", KINDS)
    found = json.loads(seedbed("compare", "runs", "--json").out)
    assert [row["settings"]["model.hidden"] for row in found["settings"]] == KINDS
    table = seedbed("compare", "runs").out.splitlines()[2 : 2 + len(KINDS)]
    assert len({line.split()[1] for line in table}) == len(KINDS)


def test_a_number_is_the_same_however_it_is_written(seedbed: Command, tmp_path: Path) -> None:
    """Alone and in a list; by a filter and by a comparison."""
    write_sweep(tmp_path / "runs", "optimizer__betas", [[0.9, 1], [0.9, 1.0], {"a": 1}, {"a": 1.0}])
    assert "2 settings over seed" in seedbed("compare", "runs").out
    assert len(names(seedbed, "runs", "--filter", "optimizer.betas=[0.9,1]")) == 4
    assert identity([1, [2.0]]) == identity([1.0, [2]]) != identity([True, [2]])


def test_null_and_a_missing_key_are_one_setting_with_its_runs(
    seedbed: Command, tmp_path: Path
) -> None:
    """The group of null was shown, and was empty."""
    for at, settings in enumerate([{"optimizer__decay": None}, {"optimizer__decay": 0.1}, {}]):
        for seed in (0, 1):
            write_run(tmp_path / f"runs/{at}_{seed}", 1.0 + at, seed, optimizer__lr=1, **settings)
    found = json.loads(seedbed("compare", "runs", "--json").out)
    runs = {row["settings"]["optimizer.decay"]: len(row["runs"]) for row in found["settings"]}
    assert runs == {None: 4, 0.1: 2}
    assert len(names(seedbed, "runs", "--filter", "optimizer.decay=null")) == 4


def test_where_nothing_has_a_value_nothing_is_best(seedbed: Command, tmp_path: Path) -> None:
    for at in range(4):
        write_run(tmp_path / f"runs/{at}", None, at % 2, optimizer__lr=at // 2)
    with pytest.raises(ArgumentError, match="no completed run has a value of 'val/loss'"):
        front.runs("runs").best()
    lines = seedbed("compare", "runs").out.splitlines()
    assert [line.split()[0] for line in lines[2:4]] == ["-", "-"]
    assert any("no seed at which both have a value" in line for line in lines)
