"""Lists of settings, settings taken together, exclusions and random draws."""

import math
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from seedbed.config.overrides import overrides_of
from seedbed.errors import ConfigError
from seedbed.sweep.expand import expanded
from seedbed.sweep.names import job_folders

NOTHING: dict[str, Any] = {
    "settings": [], "zip": None, "exclude": [], "draw": None, "draws": 5, "draw_seed": 0,
}  # fmt: skip


def jobs(grid: list[list[str]], **sweep: Any) -> list[list[str]]:
    return expanded(grid, {**NOTHING, **sweep}, read).jobs


def read(word: str) -> tuple[str, Any]:
    override = OverridesParser.create().parse_override(word)
    return override.key_or_group, override.value()


def test_a_grid_alone_stays_as_it_is() -> None:
    assert jobs([["a=1"], ["a=2"]]) == [["a=1"], ["a=2"]]


def test_zipped_lists_are_taken_together_within_the_grid() -> None:
    assert jobs([["a=1"], ["a=2"]], zip={"b": [1, 2], "c": [3.5, "x"]}) == [
        ["a=1", "b=1", "c=3.5"], ["a=1", "b=2", "c=x"],
        ["a=2", "b=1", "c=3.5"], ["a=2", "b=2", "c=x"],
    ]  # fmt: skip


def test_settings_are_a_job_each() -> None:
    settings = [{"a": 1}, {"a": 2, "b": [1, 2]}]
    assert jobs([[]], settings=settings) == [["a=1"], ["a=2", "b=[1,2]"]]


def test_a_job_with_all_values_of_an_exclusion_is_left_out() -> None:
    grid = [["a=1", "b=1"], ["a=1", "b=2"], ["a=2", "b=1"]]
    assert jobs(grid, exclude=[{"a": 1, "b": 1}]) == grid[1:]


@pytest.mark.parametrize(
    ("word", "value"),
    [("a=1e-3", 0.001), ("a=True", True), ("a='x y'", "x y"), ('a="x"', "x"), ("a=[1, 2]", [1, 2]),
     ("++a=1", 1), ("a=1.0", 1), ("a=1_000", 1000), ("a={b:[x]}", {"b": ["x"]}), ("a=null", None)],
)  # fmt: skip
def test_an_exclusion_asks_for_the_value_however_it_is_written(word: str, value: Any) -> None:
    assert jobs([[word], ["a=9"]], exclude=[{"a": value}]) == [["a=9"]]


def test_true_is_not_one_and_the_last_word_of_a_key_holds() -> None:
    grid = [["a=true"], ["a=1", "a=2"], ["a=5"]]
    assert jobs(grid, exclude=[{"a": 1}, {"a": 5}]) == grid[:2]


def test_an_exclusion_that_no_job_has_is_noted() -> None:
    asked = expanded([["a=1"], ["a=2"]], {**NOTHING, "exclude": [{"a": 2}, {"a": 3, "b": 1}]}, read)
    assert asked.jobs == [["a=1"]]
    assert asked.notes == ("sweep.exclude: no job sets a=3 and b=1, so none is left out for it",)


def test_draws_lie_in_their_ranges_and_are_a_function_of_the_seed() -> None:
    draw = {"lr": {"low": 1e-4, "high": 1e-1, "log": True}, "n": {"low": 2, "high": 4}, "c": [1, 9]}
    drawn = jobs([[]], draw=draw, draws=200)
    rates = [float(job[0].removeprefix("lr=")) for job in drawn]
    assert all(1e-4 <= rate <= 1e-1 for rate in rates)
    assert 0.3 < sum(rate < math.sqrt(1e-5) for rate in rates) / 200 < 0.7
    assert {job[1] for job in drawn} == {"n=2", "n=3", "n=4"}
    assert {job[2] for job in drawn} == {"c=1", "c=9"}
    assert jobs([[]], draw=draw, draws=50) == drawn[:50]
    assert jobs([[]], draw=draw, draws=50, draw_seed=1) != drawn[:50]


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ({"zip": {"a": [1, 2], "b": [1]}}, "a has 2, b has 1"),
        ({"zip": {"a": 3}}, "sweep.zip.a must be a list of values, got 3"),
        ({"draw": {"a": {"low": 1}}}, "sweep.draw.a must be a list of values"),
        ({"draw": {"a": {"low": 2, "high": 1}}}, "sweep.draw.a: low must be a number below high"),
        ({"draw": {"a": {"low": 0, "high": 1, "log": True}}}, "above 0 with log"),
        ({"exclude": [{"a": 1}]}, "sweep.exclude leaves none of 1 job"),
    ],
    ids=["lengths", "no list", "no range", "empty range", "log of zero", "nothing left"],
)
def test_what_cannot_be_expanded_is_said(sweep: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as err:
        jobs([["a=1"]], **sweep)
    assert message in str(err.value)


def test_any_value_is_written_so_that_it_can_be_read_back() -> None:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    values = [1, 1e-5, 0.1, True, None, "a b", "it's", "x,y", [1, "a b", [2]], {"low": 1.5}, ""]
    for value in values:
        (word,) = overrides_of({"key": value})
        assert OverridesParser.create().parse_override(word).value() == value


def test_folders_are_short_safe_and_name_what_sets_jobs_apart() -> None:
    words = [
        ["data=sum", "model.hidden=[8,16]"],
        ["data=sum", "a=../../etc"],
        ["data=sum", "lr=0.0123456789"],
        ["data=sum", "x=" + "y" * 300],
    ]
    folders = job_folders(words)
    assert folders[:3] == ["0_model.hidden=8-16", "1_a=..-..-etc", "2_lr=0.0123"]
    assert len(folders[3]) < 90
    assert all("/" not in folder for folder in folders)
