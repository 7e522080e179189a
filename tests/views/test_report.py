"""What a page of runs holds is what the catalog, the comparison and the files say."""

import base64
import contextlib
import csv
import hashlib
import json
import math
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.report_pages import column_of, data_of, number_of, parts_of

import seedbed as front
from seedbed.catalog.record import RunRecord
from seedbed.catalog.table import RecordTable
from seedbed.catalog.values import value_of
from seedbed.views.report.axes import key_axis, metric_axis
from seedbed.views.report.content import Origin, Told, content
from seedbed.views.report.curves import FEWEST, page_curves, thinned
from seedbed.views.report.made_with import made_with
from seedbed.views.report.page import json_for_html, page
from seedbed.views.run_text import cell_text


@pytest.fixture(scope="module")
def made(iris_sweep: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a sweep of 42."""
    return front.runs(iris_sweep).report(tmp_path_factory.mktemp("page") / "page.html")


@pytest.fixture(scope="module")
def data(made: Path) -> dict[str, Any]:
    return data_of(made)


@pytest.fixture(scope="module")
def by_name(iris_sweep: Path) -> dict[str, RunRecord]:
    return {run.path.name: run for run in front.runs(iris_sweep).records}


def rows(data: dict[str, Any], by_name: dict[str, RunRecord]) -> list[RunRecord]:
    """The records in the order of the page's table."""
    return [by_name[Path(one["path"]).name] for one in data["runs"]]


def test_the_table_has_the_values_of_the_catalog(data, by_name) -> None:
    records = rows(data, by_name)
    assert len(records) == len(set(map(id, records))) == 42
    for one in data["columns"][1:]:
        if one["name"] in ("when", "tags"):
            continue
        wanted = [value_of(run, one["name"]) for run in records]
        assert list(map(number_of, one["values"])) == wanted, one["name"]
        if one["role"] in ("key", "metric"):
            assert (one["texts"] or one["values"]) == list(map(cell_text, wanted))


def test_swept_keys_come_first_and_nothing_constant_is_shown(data) -> None:
    shown = [one for one in data["columns"] if not one["hidden"]]
    assert [one["role"] for one in shown[:4]] == ["name", "key", "key", "key"]
    assert {one["name"] for one in shown[1:4]} == {"model.hidden", "optimizer.lr", "seed"}
    roles = [one["role"] for one in shown]
    assert roles == sorted(roles, key=["name", "key", "metric", "about"].index)
    for one in shown:
        assert one["role"] == "metric" or len(set(map(str, one["values"]))) > 1, one["name"]


def test_the_best_run_stands_first_by_the_validation_rows(data) -> None:
    losses = column_of(data, "val/loss")
    assert data["told"]["metric"] == "val/loss"
    assert (data["told"]["order"], data["told"]["ranked"]) == ("run", 42)
    assert losses == sorted(losses)


def test_the_words_and_the_settings_are_those_of_compare(data, iris_sweep: Path) -> None:
    compared = front.runs(iris_sweep).compare()
    told = data["told"]
    assert told["sentences"] == compared.sentences
    assert told["verdict"] == compared.verdict.words
    assert set(compared.notes) <= set(data["notes"])
    assert len(told["settings"]) == 6
    for row, wanted in zip(told["settings"], compared.rows, strict=True):
        assert {name: number_of(one) for name, one in row.items()} == wanted
    assert told["importance"]["names"][-1] == "seed (noise)"
    assert sum(told["importance"]["shares"]) == pytest.approx(1, abs=0.01)


def test_curves_are_the_histories(data, by_name) -> None:
    for run, curves in zip(rows(data, by_name), data["curves"]["runs"], strict=True):
        with (run.path / "history.csv").open() as file:
            history = list(csv.DictReader(file))
        for name in ("train/loss", "val/loss", "val/accuracy"):
            epochs, values = curves[name]
            assert data["curves"]["epochs"][epochs] == [int(row["epoch"]) for row in history]
            assert values == pytest.approx([float(row[name]) for row in history], rel=1e-4)
    assert data["curves"]["thinned"] == 0


def test_the_shared_config_and_the_columns_are_the_config_of_each_run(data, by_name) -> None:
    shared = dict(flat(yaml.safe_load(data["config"]["yaml"])))
    keys = {one["name"] for one in data["columns"] if one["role"] == "key"}
    for run in rows(data, by_name):
        whole = dict(flat(yaml.safe_load((run.path / "config.yaml").read_text())))
        apart = {key: value for key, value in whole.items() if key not in shared}
        assert apart.keys() <= keys | {*data["config"]["hidden"]}
        assert {key: whole[key] for key in shared} == shared
        assert keys <= apart.keys()


def flat(mapping: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in mapping.items():
        if isinstance(value, dict) and value:
            found += flat(value, f"{prefix}{key}.")
        else:
            found.append((f"{prefix}{key}", value))
    return found


def test_the_environment_and_the_start_are_told(data, iris_sweep: Path) -> None:
    told = json.loads(next(iris_sweep.glob("*/environment.json")).read_text())
    shared = dict(data["environment"]["shared"])
    assert shared["packages.torch"] == told["packages"]["torch"]
    assert shared["python"] == told["python"]
    assert shared["device"] == "cpu"
    assert not {"command", "folder", "git.diff"} & shared.keys()
    assert data["starts"][0]["runs"] == 42
    assert data["starts"][0]["folder"] == told["folder"]


def test_what_differs_in_the_environment_is_counted() -> None:
    told = made_with([{"python": "3.11", "a": {"b": 1}}, {"python": "3.12", "a": {"b": 1}}, {}])
    assert told["shared"] == [["a.b", "1"]]
    assert told["differing"] == [["python", [["3.11", 1], ["3.12", 1]], 0]]
    assert told["without"] == 1


AWKWARD = [math.nan, math.inf, -math.inf, None, 0.1, -0.0, 2**53 + 1, 10**400, True, "1", [1, 2.5]]


def records_with(values: Sequence[Any], **more: Any) -> RecordTable:
    return RecordTable(
        RunRecord(
            Path(f"/runs/{n}"), str(n), "completed", settings={"key": value, "n": n},
            metrics={"val/loss": float(n)}, **more,
        )
        for n, value in enumerate(values)
    )  # fmt: skip


def test_values_that_json_cannot_carry_come_back_the_same() -> None:
    told = json.loads(json_for_html(content(records_with(AWKWARD), Told(), Origin("t"))))
    got = column_of(told, "key")
    for value, wanted in zip(got, AWKWARD, strict=True):
        assert type(value) is type(wanted) or wanted == 10**400
        assert str(value) == str(wanted)


def test_a_metric_without_a_value_is_told_as_such() -> None:
    table = records_with([1, 2, 3])
    values = [math.nan, math.inf, 0.5]
    records = [
        RunRecord(run.path, run.name, run.status, settings=run.settings, metrics={"val/loss": one})
        for run, one in zip(table, values, strict=True)
    ]
    told = json.loads(json_for_html(content(RecordTable(records), Told(), Origin("t"))))
    assert list(map(str, column_of(told, "val/loss"))) == ["nan", "inf", "0.5"]
    (axis,) = [one for one in told["axes"] if one["name"] == "val/loss"]
    assert axis["places"] == pytest.approx([0.42, 0.42, 0.5])
    assert axis["ticks"][0] == [pytest.approx(0.42), "none"]
    assert axis["without"] == 2


HOSTILE = [
    "</script><script>document.title='gone'</script>", "<img src=x onerror=alert(1)>", "<!--",
    "javascript:alert(1)", "a\u2028b\u2029c", "\x1b[31mred\x07", "&lt;b&gt;", "%{x}", "]]>",
    "\ud800", "<!-- data --><!-- script -->", "'\"`${1}",
]  # fmt: skip


def test_nothing_of_a_run_is_markup() -> None:
    table = records_with(HOSTILE, tags=("x",), note=HOSTILE[0], problem=HOSTILE[1])
    clean, hostile = (
        page(content(one, Told(reason=HOSTILE[0], notes=HOSTILE), Origin(HOSTILE[0])))
        for one in (records_with(["a"] * len(HOSTILE)), table)
    )
    parts = [parts_of(_written(text)) for text in (clean, hostile)]
    assert parts[0].names == parts[1].names
    assert parts[0].scripts == parts[1].scripts
    assert not set("<>&\u2028\u2029\x1b") & set(parts[1].data)
    values = column_of(json.loads(parts[1].data), "key")
    assert values[:4] == HOSTILE[:4]
    assert values[5] == r"\x1b[31mred\x07"


def _written(text: str) -> Path:
    path = Path("page.html")
    path.write_text(text, encoding="utf-8")
    return path


def test_the_page_names_nothing_outside_and_runs_its_own_scripts_alone(made: Path) -> None:
    parts = parts_of(made)
    assert parts.links == ["data:,"]
    allowed = re.findall(r"'sha256-([^']+)'", parts.policy)
    digests = [hashlib.sha256(script.encode()).digest() for script in parts.scripts]
    assert sorted(allowed) == sorted(base64.b64encode(one).decode() for one in digests)
    assert len(allowed) == 2
    assert parts.policy.startswith("default-src 'none'; script-src ")
    assert "unsafe-inline" not in parts.policy.split("script-src")[1].split(";")[0]
    assert not re.search(r"https?:", parts.policy)


@given(
    st.lists(st.one_of(st.none(), st.floats(width=32), st.integers(-9, 9)), max_size=300),
    st.integers(4, 60),
)
def test_a_thinned_curve_keeps_its_ends_and_what_is_lowest_and_highest(values, most) -> None:
    epochs, kept = thinned(range(1, len(values) + 1), values, most)
    assert len(epochs) == len(kept) <= max(most, 0)
    assert epochs == sorted(epochs)
    rounded = [None if _is_gap(one) else float(f"{one:.5g}") for one in values]
    assert all(rounded[int(at) - 1] == value for at, value in zip(epochs, kept, strict=True))
    finite = [one for one in rounded if one is not None]
    if finite:
        got = [one for one in kept if one is not None]
        assert (min(got), max(got)) == (min(finite), max(finite))
    if values:
        assert (epochs[0], epochs[-1]) == (1, len(values))


def _is_gap(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


def test_long_histories_are_thinned_and_that_is_told(iris_sweep: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with contextlib.chdir(tmp_path):
        front.train("trainer.epochs=1", directory=run)
    epochs = np.arange(1, 5001)
    values = np.sin(epochs / 50) + 2
    values[1234] = 9.0
    lines = [
        f"{epoch},{value!r}" for epoch, value in zip(epochs.tolist(), values.tolist(), strict=True)
    ]
    (run / "history.csv").write_text("\n".join(["epoch,train/loss", *lines, "5001,nan"]) + "\n")
    curves = data_of(front.runs(run).report("page.html"))["curves"]
    at, values_kept = curves["runs"][0]["train/loss"]
    assert curves["thinned"] == 1
    assert len(values_kept) <= curves["points"] == 400
    assert max(one for one in values_kept if one is not None) == 9.0
    assert curves["epochs"][at][-1] == 5001
    assert curves["notes"] == ["gaps in curves: 1 value not finite"]


def test_a_thousand_runs_with_long_histories_stay_below_15_megabytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = np.random.default_rng(0).random(500).tolist()
    history = {"epoch": list(range(1, 501)), **{f"val/{n}": values for n in range(10)}}
    monkeypatch.setattr("seedbed.views.report.curves.history_of", lambda _: history)
    table = records_with([n / 7 for n in range(1000)], problem="x" * 100, note="y" * 100)
    told = content(table, Told(), Origin("t"))
    assert len(page(told)) < 15e6
    assert len(told["curves"]["runs"][-1]) == 10


def test_the_first_runs_have_curves_where_there_are_too_many(
    iris_sweep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = front.runs(iris_sweep).records
    columns = len(page_curves(records).metrics)
    monkeypatch.setattr("seedbed.views.report.curves.MOST_POINTS", 10 * columns * FEWEST)
    curves = page_curves(records)
    assert [bool(one) for one in curves.runs] == [True] * 10 + [False] * 32
    assert curves.points == FEWEST
    assert curves.notes == ["curves are those of the first 10 runs, the others have none here"]


@pytest.mark.parametrize(
    ("values", "places", "logarithmic"),
    [
        ([0.001, 0.1, 0.01], [-3.0, -1.0, -2.0], True),
        ([1, 3, 2], [1.0, 3.0, 2.0], False),
        ([[8], [16], [8]], [0.0, 1.0, 0.0], False),
        ([None, 3, "all"], [2.0, 0.0, 1.0], False),
        ([True, False, True], [0.0, 1.0, 0.0], False),
        ([10**400, 1, 2], [2.0, 0.0, 1.0], False),
    ],
    ids=["decades", "numbers", "lists", "absent", "boolean", "huge"],
)  # fmt: skip
def test_a_key_has_a_place_for_every_value(values, places, logarithmic) -> None:
    axis = key_axis("key", "key", values)
    assert axis.places == pytest.approx(places)
    assert axis.logarithmic == logarithmic
    assert {place for place, text in axis.ticks if text} == set(map(float, axis.places))


def test_ticks_of_a_wide_metric_are_powers_of_ten() -> None:
    axis = metric_axis("val/loss", [1e-6, 0.5, 1e-3, math.nan])
    told = [(place, text) for place, text in axis.ticks[1:] if text]
    assert [text for _, text in told] == ["1e-06", "1e-05", "0.0001", "0.001", "0.01", "0.1"]
    assert [place for place, _ in told] == pytest.approx([math.log10(float(t)) for _, t in told])
    assert axis.places[3] < min(axis.places[:3])
    assert (axis.ticks[0], axis.without) == ((axis.places[3], "none"), 1)


def test_a_few_that_lie_far_away_do_not_take_the_axis() -> None:
    values = [0.9 + n / 1000 for n in range(97)] + [-5000.0, -7e80, 0.99]
    axis = metric_axis("val/r2", values)
    assert not axis.logarithmic
    assert axis.beyond == 2
    assert axis.places[:97] == pytest.approx(values[:97])
    assert axis.places[97] == axis.places[98] == min(axis.places) > 0.7
    assert [text for _, text in axis.ticks if text] == ["0.85", "0.9", "0.95"]


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.0, 1.0], ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        ([-3, 7], ["-2", "0", "2", "4", "6"]),
        ([0.5, 0.5], ["0.5"]),
        ([1e-9, 2e-9], ["1e-09", "1.2e-09", "1.4e-09", "1.6e-09", "1.8e-09", "2e-09"]),
    ],
)
def test_ticks_of_a_metric_are_round(values, texts) -> None:
    ticks = metric_axis("val/r2", values).ticks
    assert [text for _, text in ticks if text] == texts
    places = [place for place, _ in ticks]
    gaps = [b - a for a, b in pairwise(places)]
    assert all(gap > (max(values) - min(values)) / 250 for gap in gaps)
