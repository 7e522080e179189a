"""A filter keeps the runs that fulfil it, and shows where it cannot be read."""

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbed.catalog.filtering import filtered
from seedbed.catalog.record import RunRecord
from seedbed.catalog.sorting import in_order, known_names
from seedbed.errors import ArgumentError


def run(name: str, status: str = "completed", tags: tuple[str, ...] = (), **more) -> RunRecord:
    return RunRecord(Path(name), name, status, tags=tags, **more)


A = run(
    "a", seconds=2.0, tags=("baseline", "v1.2"), started=datetime(2026, 11, 25, 12, tzinfo=UTC),
    settings={"optimizer.lr": 0.1, "model.hidden": [8, 8], "data.target": "3", "odd key": 1,
              "trainer.deterministic": True, "loader.batch_size": 4},
    choices={"model": "custom", "experiment": None}, metrics={"val/loss": 0.5, "val/r2": math.nan},
    best={"epoch": 3, "val/loss": 0.4},
)  # fmt: skip
B = run(
    "b", "failed", started=datetime(2026, 11, 26, 12, tzinfo=UTC),
    settings={"optimizer.lr": 0.001, "model.hidden": [16], "data.target": "price",
              "trainer.deterministic": False, "loader.batch_size": "all"},
    choices={"model": "manual", "experiment": "and"}, metrics={"val/loss": -2.0},
)  # fmt: skip
C = run("c", "diverged", settings={"optimizer.lr": 1}, choices={"model": "custom"})
RUNS = [A, B, C]

KEPT = {
    "optimizer.lr<0.01": "b",
    "optimizer.lr <= 1e-3": "b",
    "optimizer.lr=1": "c",
    "optimizer.lr==1.0": "c",
    "optimizer.lr>1e-3 and status=completed": "a",
    "optimizer.lr<0.01 or status=diverged": "bc",
    "status=failed or status=completed and optimizer.lr>1": "b",
    "(status=failed or status=completed) and optimizer.lr>0.01": "a",
    "not status=failed": "ac",
    "NOT (status=failed OR status=completed)": "c",
    "status!=failed": "ac",
    "status in [failed, diverged]": "bc",
    "status not in [failed, diverged]": "a",
    "status in []": "",
    "optimizer.lr in [0.1, 1]": "ac",
    "val/loss<-1": "b",
    "val/loss>=-2": "ab",
    "best.val/loss<0.5": "a",
    "tags=baseline": "a",
    "tag=v1.2": "a",
    "tag!=baseline": "bc",
    "started>2026-11-26": "b",
    "time<5": "a",
    "tags in [nothing, baseline]": "a",
    "tags~base": "a",
    "tags=null": "bc",
    "model=custom": "ac",
    "model~'ust'": "ac",
    "model !~ ust": "b",
    "experiment=null": "ac",
    "experiment='and'": "b",
    "model.hidden=[8,8]": "a",
    "model.hidden in [[16], [8, 8]]": "ab",
    "model.hidden~16": "b",
    "data.target='3'": "a",
    "`odd key`=1": "a",
    "trainer.deterministic=true": "a",
    "trainer.deterministic!=true": "bc",
    "loader.batch_size=4": "a",
    "loader.batch_size=all": "b",
    "loader.batch_size<8": "a",
    "when>2026-11-26": "b",
    "when<'2026-11-25 23:00'": "a",
    "val/r2=nan": "a",
    "val/r2<1": "",
    "val/loss=null": "c",
    "config.optimizer.lr=1": "c",
    "name=a": "a",
    'data.target="pri\\ce"': "b",
}


@pytest.mark.parametrize(("text", "names"), KEPT.items(), ids=KEPT)
def test_a_filter_keeps(text: str, names: str) -> None:
    assert "".join(one.name for one in filtered(RUNS, text).kept) == names


REFUSED = {
    "": "expected a name, such as status or optimizer.lr, got the end",
    "optimizer.lr<0.01 an status=completed": "at character 19: expected 'and', 'or' or the end, "
    "got 'an'; see ^ in: optimizer.lr<0.01 ^an status",
    "optimizer.lr<": "at character 14: expected a value",
    "optimizer.lr 1": "expected =, !=",
    "(status=failed": "expected 'and', 'or' or ')', got the end",
    "status=failed)": "got ')'",
    "status='failed": "at character 8: got a text in quotes that does not end",
    "status=fail`ed": "backticks that does not end",
    "status==": "expected a value",
    "status = = failed": "expected a value",
    "status in failed": "expected '['",
    "status in [failed": "expected ',' or ']'",
    "status not failed": "expected 'in'",
    "and": "expected a name",
    "val/loss is not null": "expected =, as in val/loss=null or val/loss!=null, got 'is'",
    "1 < 2": "no run has '1'",
    "optimizer.lrr<1": "no run has 'optimizer.lrr'; did you mean 'optimizer.lr'",
    "lr<1": "did you mean 'optimizer.lr'",
    "optimizer.lr=small": "at character 14: 'optimizer.lr' has numbers, got the text 'small'",
    "optimizer.lr<small": "< compares numbers and times, got the text 'small'",
    "status<1": "'status' has texts, got the number 1",
    "data.target=3": "has texts, got the number 3; type '3' in quotes",
    "optimizer.lr~1": "~ looks into text, 'optimizer.lr' has numbers",
    "optimizer.lr=true": "has numbers, got the value True",
    "tags<1": "tags are words",
    "when>yesterday": "is a time, such as 2026-11-26",
    "when=2026-11-26": "<, <=, > and >= compare it",
    "model.hidden=8": "has lists, got the number 8",
    "(" * 60 + "status=failed": "nested more than 50",
    "__import__('os').system('x')": "expected =, !=",
    "status=failed" + " " * 10_000: "at most 10000 characters",
}


@pytest.mark.parametrize(("text", "told"), REFUSED.items(), ids=range(len(REFUSED)))
def test_a_filter_that_means_nothing_is_refused(text: str, told: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        filtered(RUNS, text)
    assert told in str(caught.value)
    assert len(caught.value.problems) == 1
    assert "\n" not in str(caught.value)


@given(st.text(st.sampled_from("ab.=<>~!()[],'\"` 1-/\\") | st.characters(), max_size=30))
@settings(max_examples=150, deadline=None)
def test_any_text_is_answered_or_refused(text: str) -> None:
    problem = ""
    try:
        filtered(RUNS, text)
    except ArgumentError as err:
        problem = str(err)
    assert problem.isprintable()


@given(st.sampled_from([text for text in KEPT if text]))
@settings(max_examples=30, deadline=None)
def test_not_is_the_opposite(text: str) -> None:
    kept = {one.name for one in filtered(RUNS, text).kept}
    assert {one.name for one in filtered(RUNS, f"not ({text})").kept} == {*"abc"} - kept


def test_runs_without_the_value_are_counted() -> None:
    found = filtered(RUNS, "val/loss<1 and val/r2<1")
    assert found.kept == []
    assert found.without == {"val/loss": 1, "val/r2": 3}


def test_a_text_that_no_run_has_gets_the_nearest() -> None:
    assert filtered(RUNS, "model=custon").hint == "no run has model=custon; did you mean 'custom'?"
    assert "did you mean 'running'" in filtered(RUNS, "status=runing").hint
    assert "did you mean 'running'" in filtered(RUNS, "status=RUNNING").hint


def test_a_filter_of_no_runs_keeps_none() -> None:
    assert filtered([], "anything<1").kept == []


SORTED = {
    "optimizer.lr": "bac",
    "-optimizer.lr": "cab",
    "time": "abc",
    "val/loss": "bac",
    "-val/loss": "abc",
    "model,-name": "cab",
    "when": "abc",
    "-when": "bac",
    "loader.batch_size": "abc",
}


@pytest.mark.parametrize(("keys", "names"), SORTED.items(), ids=SORTED)
def test_an_order_has_what_is_missing_last(keys: str, names: str) -> None:
    assert "".join(one.name for one in in_order(RUNS, keys)[0]) == names


def test_an_order_counts_what_is_missing_or_undefined() -> None:
    assert in_order(RUNS, "val/loss")[1] == {"val/loss": 1}
    assert in_order([A, B, run("d", metrics={"val/r2": 0.1})], "-val/r2")[1] == {"val/r2": 2}


def test_a_name_with_a_comma_or_a_blank_stands_in_backticks() -> None:
    odd = run("d", settings={"data.categories.a, b": 2, "odd key": 3})
    assert known_names([A, odd], "`data.categories.a, b`,odd key, name", "--columns") == [
        "data.categories.a, b", "odd key", "name",
    ]  # fmt: skip
    assert [one.name for one in in_order([A, odd], "-`odd key`")[0]] == ["d", "a"]
    assert filtered([A, odd], "`data.categories.a, b`=2").kept == [odd]


def test_an_order_by_what_no_run_has_is_refused() -> None:
    with pytest.raises(
        ArgumentError, match="--sort: no run has 'val/los'; did you mean 'val/loss'"
    ):
        in_order(RUNS, "-val/los")
