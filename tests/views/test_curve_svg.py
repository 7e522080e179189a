"""The picture of a run in a notebook: its points are the numbers of its history."""

import math
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from support.command_line import Command

import seedbed as front
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_history
from seedbed.views.curve_svg import MOST_POINTS, losses_svg

TAG = "{http://www.w3.org/2000/svg}"


def lines_of(svg: str) -> list[np.ndarray]:
    """The points of each line, as (epoch, loss) without units."""
    found = []
    for line in ET.fromstring(svg).iter(f"{TAG}polyline"):
        points = [tuple(map(float, one.split(","))) for one in line.attrib["points"].split()]
        found.append(np.array(points) * [1, -1])
    return found


def texts_of(svg: str) -> list[str]:
    return [str(one.text) for one in ET.fromstring(svg).iter(f"{TAG}text")]


def assert_same_form(points: np.ndarray, epochs: Sequence[float], values: Sequence[float]) -> None:
    """A picture is a map of its numbers that is straight along both axes."""
    for drawn, numbers in ((points[:, 0], epochs), (points[:, 1], values)):
        slope, start = np.polyfit(numbers, drawn, 1)
        assert slope > 0
        assert drawn == pytest.approx(slope * np.array(numbers) + start, abs=0.02)


def test_a_run_shows_the_losses_of_its_history(table_run: Path) -> None:
    html = front.load_run(table_run)._repr_html_()
    svg = html[html.index("<svg") : html.index("</svg>") + 6]
    history = read_history(RunPaths(table_run))
    train, val = lines_of(svg)
    both = np.vstack([train, val])
    values = [*history["train/loss"], *history["val/loss"]]
    assert_same_form(both, history["epoch"] * 2, values)
    assert {"train/loss", "val/loss", "epoch", f"{max(values):.3g}"} <= set(texts_of(svg))
    assert "completed" in html


def test_decades_are_drawn_as_decades() -> None:
    values = [100.0, 30.0, 1.0, 0.1]
    svg = losses_svg({"epoch": [1, 2, 3, 4], "train/loss": values})
    assert_same_form(lines_of(svg)[0], [1, 2, 3, 4], [math.log10(one) for one in values])
    assert {"loss, log scale", "100", "0.1"} <= set(texts_of(svg))
    assert "loss" in texts_of(losses_svg({"epoch": [1, 2], "train/loss": [100.0, -1.0]}))


def test_a_loss_that_is_no_number_leaves_a_gap() -> None:
    values = [3.0, 2.0, math.nan, 1.0, None, 2.0, math.inf, 3.0, 1.0]
    svg = losses_svg({"epoch": list(range(9)), "val/loss": values})
    assert [len(line) for line in lines_of(svg)] == [2, 2]
    assert svg.count("<circle") == 2  # epochs alone between two gaps
    assert losses_svg({"epoch": [1], "train/loss": [math.nan]}) == ""
    assert losses_svg({"epoch": [], "train/loss": []}) == ""
    assert losses_svg({"epoch": [1, 2], "lr": [0.1, 0.1]}) == ""


def test_of_very_many_epochs_the_extremes_are_drawn() -> None:
    values = np.random.default_rng(0).normal(size=20_000)
    values[12_345], values[777] = 50, -50
    history = {"epoch": list(range(20_000)), "train/loss": values.tolist()}
    (points,) = lines_of(losses_svg(history))
    assert len(points) <= MOST_POINTS + 2
    highest, lowest = points[points[:, 1].argmax(), 0], points[points[:, 1].argmin(), 0]
    parts = (np.array([highest, lowest]) - points[0, 0]) / np.ptp(points[:, 0])
    assert parts == pytest.approx(np.array([12_345, 777]) / 19_999, abs=1e-4)


@pytest.mark.parametrize("values", [[1e308, -1e308], [2.0, 2.0], [1e-320, 1e300]], ids=str)
def test_no_value_is_too_large_or_too_small(values: list[float]) -> None:
    svg = losses_svg({"epoch": [1, 2], "train/loss": values})
    assert np.isfinite(lines_of(svg)[0]).all()


HOSTILE = "<img src=x onerror=alert(1)>"


def test_hostile_names_are_escaped(sum_run: Path, tmp_path: Path, seedbed: Command) -> None:
    folder = tmp_path / f"{HOSTILE}&amp;"
    shutil.copytree(sum_run, folder)
    history = folder / "history.csv"
    history.write_text(history.read_text().replace("train/loss", f"train/loss,{HOSTILE}", 1))
    for text in ("train/loss", f"{HOSTILE}"):
        result = folder / "result.json"
        result.write_text(result.read_text().replace("train/loss", text))
        html = front.load_run(folder)._repr_html_()
        assert "<img" not in html
        assert "&lt;img" in html
        assert "<img" not in front.runs(tmp_path)._repr_html_()
    history.write_text("epoch,train/loss\n1,<svg onload=x>\n")
    assert "<svg" not in front.load_run(folder)._repr_html_()
