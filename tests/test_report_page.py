"""A page of runs in a real browser, opened from the disk with the network off."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.browser import CHROMIUM, DRIVER, Browser, browser
from support.report_pages import column_of, data_of

import seedbed as front
from seedbed.catalog.filtering import filtered
from seedbed.errors import ArgumentError

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM.exists() and DRIVER.exists()) and "CI" not in os.environ,
        reason="there is no Chromium: Debian's chromium and chromium-driver; .ci/run installs them",
    ),
]

SOFTWARE = ("--enable-unsafe-swiftshader", "--window-size=1280,1000")
"""WebGL without a graphics processor."""

CELLS = """
const heads = [...document.querySelectorAll('#table thead th')].map(one => one.textContent.trim());
const rows = [...document.querySelectorAll('#table tbody tr')];
return rows.filter(row => !row.querySelector('.behind')).map(row => Object.fromEntries(
    [...row.cells].map((cell, at) => [heads[at].replace(/ [▲▼]$/, ''), cell.textContent])));
"""

BRUSHES = """
return document.getElementById('parallel-picture').data[0].dimensions.map(
    one => one.constraintrange ?? null);
"""

TICKS = """
return [...document.querySelectorAll('#parallel-picture .axis .tick text')].map(
    one => one.textContent.replace(/\u200b/g, ''));
"""

DRAWN = """
const traces = document.getElementById('curves-picture').data;
return traces.map(one => one.meta ?? null);
"""


class Page:
    """A page in a window, and what it holds.

    Args:
        window: the browser.
        path: of the file.
    """

    def __init__(self, window: Browser, path: Path) -> None:
        self.window, self.path, self.data = window, path, data_of(path)

    def open(self) -> "Page":
        self.window.open(self.path.as_uri())
        self.window.until("return document.body.dataset.ready === 'yes'", seconds=60)
        return self

    def rows(self) -> list[dict[str, str]]:
        """The texts of the table's cells, by the name of the column."""
        told: list[dict[str, str]] = self.window.run(CELLS)
        return told

    def column(self, name: str) -> list[str]:
        return [row[name] for row in self.rows()]

    def click_head(self, name: str) -> None:
        self.window.run(
            """const heads = [...document.querySelectorAll('#table thead button')];
            heads.find(one => one.textContent.replace(/ [▲▼]$/, '') === arguments[0]).click();""",
            name,
        )

    def filter(self, text: str) -> None:
        """Types it, and leaves the box."""
        self.window.run(
            """const box = document.getElementById('filter');
            box.value = arguments[0]; box.dispatchEvent(new Event('change'));""",
            text,
        )

    def said(self, name: str) -> str:
        text: str = self.window.run(
            "const one = document.getElementById(arguments[0]);"
            "return one.hidden ? '' : one.textContent;",
            name,
        )
        return text

    def shown(self) -> int:
        return int(self.said("count").split()[0])


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One window with the network off."""
    with browser(tmp_path_factory.mktemp("profile"), *SOFTWARE) as opened:
        opened.command("Network.enable")
        opened.command(
            "Network.emulateNetworkConditions",
            offline=True, latency=0, downloadThroughput=0, uploadThroughput=0,
        )  # fmt: skip
        yield opened


@pytest.fixture(scope="module")
def file(iris_sweep: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of 42 runs, one of which ended in NaN and one without a value."""
    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(iris_sweep, folder / "sweep")
    for number, value in ((3, None), (5, "gone")):
        path = next((folder / "sweep").glob(f"{number:02}_*")) / "result.json"
        result = json.loads(path.read_text())
        result["metrics"]["val/accuracy"] = value
        if value == "gone":
            del result["metrics"]["val/accuracy"]
        path.write_text(json.dumps(result))
    return front.runs(folder / "sweep").report(folder / "page.html")


@pytest.fixture(scope="module")
def opened(window: Browser, file: Path) -> Page:
    complaints(window), requests(window)
    return Page(window, file).open()


@pytest.fixture
def page(opened: Page) -> Page:
    """The page as it opens, but for what it was sorted by last."""
    opened.window.run("document.getElementById('clear').click()")
    opened.click_head("val/loss")
    if opened.window.run("return Boolean(document.querySelector('[aria-sort=descending]'))"):
        opened.click_head("val/loss")
    return opened


def complaints(window: Browser) -> list[str]:
    """What the console has that is no remark on speed."""
    said = (one["message"] for one in window.log("browser"))
    return [one for one in said if "GPU stall" not in one]


def requests(window: Browser) -> list[str]:
    """Every address that the page asked for."""
    events = [json.loads(one["message"])["message"] for one in window.log("performance")]
    urls = [
        one["params"]["request"]["url"]
        for one in events
        if one["method"] == "Network.requestWillBeSent"
    ]
    return [url for url in urls if not url.startswith(("data:", "blob:"))]


def test_the_page_opens_from_the_disk_and_asks_for_nothing_else(opened, window, file) -> None:
    page = opened
    assert page.said("title") == "page"
    assert page.window.run("return document.querySelectorAll('#parallel-picture canvas').length")
    assert page.window.run("return document.querySelectorAll('#curves-picture .scatter').length")
    assert requests(window) == [file.as_uri()]
    assert complaints(window) == []


def test_every_tick_with_a_text_is_drawn(page) -> None:
    drawn = page.window.run(TICKS)
    wanted = [text for axis in page.data["axes"] for _, text in axis["ticks"] if text]
    assert sorted(filter(None, drawn)) == sorted(wanted)
    assert {"none", "0.1", "[16]", "6"} <= set(wanted)


def test_the_words_are_those_of_the_comparison(page) -> None:
    told = page.data["told"]
    text = page.window.run("return document.getElementById('sentences').textContent")
    assert text == "".join(told["sentences"])
    assert page.said("badge") == told["verdict"]
    settings = page.window.run(
        "return [...document.querySelectorAll('#settings-table tbody tr')].map(r => r.innerText)"
    )
    assert len(settings) == 6
    assert settings[0].split("\t")[0] == "1"


def test_the_table_is_sorted_by_a_column_with_what_is_missing_last(page) -> None:
    values = column_of(page.data, "val/accuracy")
    known = sorted(one for one in values if one is not None and one == one)
    for order, arrow in ((known, "ascending"), (known[::-1], "descending")):
        page.click_head("val/accuracy")
        got = page.column("val/accuracy")
        assert got[-2:] in (["nan", "-"], ["-", "nan"])
        assert got[:-2] == [f"{one:.5g}" for one in order]
        sorts = "[...document.querySelectorAll('th')].map(one => one.getAttribute('aria-sort'))"
        assert [one for one in page.window.run(f"return {sorts}") if one] == [arrow]
        assert "2 runs without it are last" in page.said("table-says")


def test_numbers_are_sorted_as_numbers_and_lists_by_their_text(page) -> None:
    page.click_head("seed")
    seeds = list(map(int, page.column("seed")))
    assert seeds == sorted(seeds)
    page.click_head("optimizer.lr")
    rates = list(map(float, page.column("optimizer.lr")))
    assert rates == sorted(rates)


def test_a_filter_shows_its_rows_and_their_number(page) -> None:
    page.filter("optimizer.lr<0.05 and seed in [1, 2]")
    assert {(row["optimizer.lr"], row["seed"]) for row in page.rows()} == {
        ("0.01", "1"), ("0.01", "2"),
    }  # fmt: skip
    assert page.said("count") == "6 of 42 runs"
    assert page.shown() == len(page.rows()) == 6
    assert sorted({one for one in page.window.run(DRAWN) if one is not None}) == sorted(
        number
        for number, (rate, seed) in enumerate(
            zip(column_of(page.data, "optimizer.lr"), column_of(page.data, "seed"), strict=True)
        )
        if rate < 0.05 and seed in (1, 2)
    )
    values = page.window.run(
        "return document.getElementById('parallel-picture').data[0].dimensions[0].values.length"
    )
    assert values == 6
    page.window.run("document.getElementById('clear').click()")
    assert page.said("count") == "42 of 42 runs"


FILTERS = [
    "seed=3", "seed!=3", "seed>2 and seed<=4", "not seed>2", "optimizer.lr in [0.01, 0.5]",
    "optimizer.lr not in [0.01]", "model.hidden=[8]", "model.hidden!=[8]", "model.hidden~8",
    "model.hidden in [[4],[16]]", "status=completed", "status!=completed", "status~comp",
    "val/accuracy=null", "val/accuracy!=null", "val/accuracy=nan", "val/accuracy>=0.5",
    "not val/accuracy>=0.5", "val/loss<inf", "(seed=1 or seed=2) and not optimizer.lr=0.1",
    "seed=1 or seed=2 and optimizer.lr=0.1", "val/loss<1e0", "SEED=1", "seed=one", "seed<one",
    "status<1", "nothing=1", "seed", "seed=", "(seed=1", "seed=1)", "name~'seed=3'", "seed==3",
    "`seed`=3", "tags=baseline", "tag=baseline", "when>2020-01-01", "when<2020-01-01", "when=1",
    "seconds>0", "time>0", "seed~3", "seed in 3", "seed=true", "seed is 3", "config.seed=3",
]  # fmt: skip


def test_filters_mean_what_they_mean_to_the_command(page) -> None:
    """The oracle is the filter of `seedbed runs`, on the same runs."""
    table = front.runs(page.path.parent / "sweep")
    wrong = []
    for text in FILTERS:
        page.filter(text)
        try:
            wanted: Any = len(filtered(table.records, text).kept)
        except ArgumentError:
            wanted = "refused" if any(mark in text for mark in "=<>~[") else None
        got: Any = "refused" if page.said("mistake") else page.shown()
        if wanted is not None and got != wanted:
            wrong.append((text, wanted, got))
    assert wrong == []


def test_a_filter_that_takes_the_same_runs_draws_nothing_anew(page) -> None:
    page.filter("seed<2")
    page.window.run(
        """window.drawn = [];
        for (const name of ['parallel', 'curves']) {
            document.getElementById(`${name}-picture`).on('plotly_react', () => drawn.push(name));
        }"""
    )
    page.filter("seed in [0, 1]")
    assert page.shown() == 12
    assert page.window.run("return drawn") == []
    page.filter("seed<1")
    assert sorted(page.window.run("return drawn")) == ["curves", "parallel"]


def test_words_are_looked_for_in_all_cells(page) -> None:
    page.filter("lr=0.01_model.hidden=4-_seed=3")  # has a sign of comparison, and names no column
    assert page.said("mistake").startswith("The filter cannot be read, and all runs are shown: ")
    assert page.shown() == 42
    page.filter("[16]")
    assert set(page.column("model.hidden")) == {"[16]"}
    assert page.shown() == 14


def test_dragging_along_an_axis_filters_the_table_and_the_curves(page) -> None:
    page.window.run("document.getElementById('parallel').scrollIntoView()")
    axis = [one["name"] for one in page.data["axes"]].index("optimizer.lr")
    box = page.window.run(
        "const box = document.querySelectorAll('#parallel-picture .axis-brush')[arguments[0]]"
        ".getBoundingClientRect(); return [box.left, box.top, box.width, box.height]",
        axis,
    )
    left, top, width, height = box
    middle = left + width / 2
    page.window.drag((middle, top + height * 0.35), (middle, top + 4))  # the upper end: 0.1
    brushes = page.window.until(
        f"const found = (() => {{{BRUSHES}}})(); return found.some(Boolean) && found"
    )
    assert [bool(one) for one in brushes] == [n == axis for n in range(len(brushes))]
    assert set(page.column("optimizer.lr")) == {"0.1"}
    assert page.shown() == 21
    assert page.said("brushed") == "Brushed: lr 0.1"
    rates = column_of(page.data, "optimizer.lr")
    assert {rates[row] for row in page.window.run(DRAWN) if row is not None} == {0.1}
    page.filter("seed<2")
    assert {(row["optimizer.lr"], int(row["seed"]) < 2) for row in page.rows()} == {("0.1", True)}
    assert page.shown() == 6
    page.window.run("document.getElementById('clear').click()")
    assert page.shown() == 42
    assert not any(page.window.run(BRUSHES))
    assert page.said("brushed") == ""


def test_an_axis_that_is_moved_takes_its_brush_along(page: Page) -> None:
    page.window.run("document.getElementById('parallel').scrollIntoView()")
    names = (
        "return document.getElementById('parallel-picture').data[0].dimensions.map(d => d.label)"
    )
    before = page.window.run(names)
    assert before[:3] == ["hidden", "lr", "seed"]
    centres = page.window.run(
        "return [...document.querySelectorAll('#parallel-picture .axis-title')].slice(0, 3).map("
        "one => one.getBoundingClientRect()).map(b => [b.left + b.width / 2, b.top + b.height / 2])"
    )
    page.window.drag(tuple(centres[0]), (centres[1][0] + 30, centres[1][1]))
    moved = page.window.until(
        f"const now = (() => {{{names}}})(); return now[0] !== 'hidden' && now"
    )
    assert moved[:3] == ["lr", "hidden", "seed"]
    page.filter("seed<6")
    assert page.window.run(names) == moved
    page.window.run(
        "const change = {'dimensions[0].constraintrange': [[-1.5, -0.5]]};"
        "return Plotly.restyle('parallel-picture', change).then(() => true)"
    )
    assert set(page.column("optimizer.lr")) == {"0.1"}
    assert page.shown() == 18
    page.open()


def brush(page: Page, name: str, low: float, high: float) -> None:
    """As a program does it; the picture tells of it as of a drag."""
    page.window.run(
        """const picture = document.getElementById('parallel-picture');
        return Plotly.restyle(picture, {[`dimensions[${arguments[0]}].constraintrange`]:
            [[arguments[1], arguments[2]]]}).then(() => true);""",
        [one["name"] for one in page.data["axes"]].index(name), low, high,
    )  # fmt: skip


def test_runs_without_a_value_stand_at_none_and_can_be_brushed(page) -> None:
    (axis,) = [one for one in page.data["axes"] if one["name"] == "val/accuracy"]
    assert axis["without"] == 2
    assert "2 runs at none, for want of a finite val/accuracy." in page.said("parallel-says")
    none = axis["ticks"][0][0]
    brush(page, "val/accuracy", none - 0.001, none + 0.001)
    assert sorted(page.column("val/accuracy")) == ["-", "nan"]
    assert page.said("brushed") == "Brushed: val/accuracy none"


def test_brushing_a_metric_shows_the_runs_in_that_range(page) -> None:
    losses = column_of(page.data, "val/loss")
    (axis,) = [one for one in page.data["axes"] if one["name"] == "val/loss"]
    places = axis["places"]
    low, high = sorted(places)[4] - 1e-9, sorted(places)[20] + 1e-9
    brush(page, "val/loss", low, high)
    wanted = sorted(
        loss for loss, place in zip(losses, places, strict=True) if low <= place <= high
    )
    assert page.column("val/loss") == [f"{one:.5g}" for one in wanted]
    assert len(wanted) >= 17


def test_curves_have_a_choice_of_metric_and_rows(page) -> None:
    first = page.window.run(
        "return document.getElementById('curves-picture').layout.yaxis.title.text"
    )
    assert first == "val/loss"
    page.window.run(
        """const choice = document.getElementById('curve-metric');
        choice.value = 'accuracy'; choice.onchange();"""
    )
    title = "return document.getElementById('curves-picture').layout.yaxis.title.text"
    assert page.window.run(title) == "val/accuracy"
    drawn = page.window.run("return document.getElementById('curves-picture').data.map(t => t.y)")
    best = page.data["curves"]["runs"][0]["val/accuracy"][1]
    assert drawn[1] == best
    assert len(drawn[0]) == (42 - 10) * 4  # three epochs and a gap of each of the others


def test_a_name_opens_the_command_that_makes_the_run_again(page) -> None:
    page.window.run("document.querySelector('#table tbody button').click()")
    text = page.window.run("return document.querySelector('.behind .typed').textContent")
    assert text.startswith("seedbed reproduce ")
    path = page.data["runs"][0]["path"]
    assert path in text
    assert page.window.run("return document.activeElement.tagName") is not None


def test_no_button_sends_anything_away(page) -> None:
    titles = page.window.run(
        "return [...document.querySelectorAll('.modebar-btn')].map(one => one.dataset.title)"
    )
    assert titles
    assert not [one for one in titles if "hare" in one or "loud" in one or "dit" in one]


def test_without_webgl_a_sentence_stands_in_the_place_of_the_picture(
    file: Path, window_without_webgl: Browser
) -> None:
    page = Page(window_without_webgl, file).open()
    assert "draws no WebGL" in page.said("parallel-picture")
    assert len(page.rows()) == 42
    assert page.window.run("return document.querySelectorAll('#curves-picture .scatter').length")


GONE = "document.title='gone'"
EVIL = f'<img src=x onerror="{GONE}"><a href="javascript:{GONE}">x</a>'


def test_hostile_texts_are_shown_as_they_are(window: Browser, iris_sweep: Path, tmp_path) -> None:
    """In names of metrics and columns, values, tags, notes, errors and the config."""
    texts = [EVIL, f"</script><script>{GONE}</script>", "<b>bold</b>&amp;%{x}"]
    for number, run in enumerate(sorted(iris_sweep.glob("*_*"))[:6]):
        copied = tmp_path / "runs" / f"run{number}<b>{number}"
        shutil.copytree(run, copied)
        config = yaml.safe_load((copied / "config.yaml").read_text())
        config["model"]["<i>key</i>"] = texts[number % 3]
        config["name"] = EVIL
        (copied / "config.yaml").write_text(yaml.safe_dump(config))
        (copied / "notes.json").write_text(json.dumps({"tags": [], "note": texts[number % 3]}))
        result = json.loads((copied / "result.json").read_text())
        result["metrics"]["val/<b>evil</b>"] = number / 7
        (copied / "result.json").write_text(json.dumps(result))
        history = (copied / "history.csv").read_text().replace("val/f1", "val/<b>f1</b>")
        if number == 2:
            history = history.replace("val/auroc", "constructor").replace("\n1,", "\n1e300,")
        (copied / "history.csv").write_text(history)
    complaints(window)
    page = Page(window, front.runs(tmp_path / "runs").report(tmp_path / "evil.html")).open()
    page.window.run("document.querySelectorAll('#table tbody button')[0].click()")
    page.window.run(
        """const choice = document.getElementById('curve-metric');
        choice.value = '<b>f1</b>'; choice.onchange();"""
    )
    page.window.run(
        """const choice = document.getElementById('curve-metric');
        choice.value = 'constructor'; choice.onchange(); choice.value = '<b>f1</b>';
        choice.onchange();"""
    )
    title, images, links = page.window.run(
        "return [document.title, document.querySelectorAll('img[src=x]').length,"
        "document.querySelectorAll('a').length]"
    )
    assert (title, images) == ("evil · runs", 0)
    hrefs = page.window.run(
        "return [...document.querySelectorAll('a')].map(a => a.getAttribute('href'))"
    )
    assert not [one for one in hrefs if one], links
    column = page.column("model.<i>key</i>")
    assert {one for one in column if one} == set(texts)
    labels = page.window.run(
        "return [...document.querySelectorAll('.axis-title, .ytitle')].map(one => one.textContent)"
    )
    assert "<i>key</i>" in labels
    ticks = page.window.run(TICKS)
    assert {text[:6] for text in texts} <= {tick[:6] for tick in ticks}
    assert "val/<b>f1</b>" in labels
    assert "val/<b>evil</b>" in page.rows()[0]
    assert complaints(window) == []


def test_what_diverged_at_once_has_neither_rank_nor_numbers(window: Browser, tmp_path) -> None:
    """Its weights are those from before the training."""
    words = ["data=sklearn", "data.split.seed=0", "trainer.epochs=2", "seed=0,1"]
    sweep = front.sweep(*words, "optimizer.lr=1e30,0.01", directory=tmp_path / "sweep")
    assert sorted(run.status for run in sweep) == ["completed"] * 2 + ["diverged"] * 2
    page = Page(window, front.runs(sweep.path).report(tmp_path / "page.html")).open()
    ranks = window.run(
        "return [...document.querySelectorAll('#settings-table tbody tr td:first-child')]"
        ".map(cell => cell.textContent)"
    )
    assert ranks == ["1", "-"]
    shown = {row["optimizer.lr"]: row["val/loss"] for row in page.rows()}
    assert shown["1e+30"] == "-" != shown["0.01"]


def test_runs_without_an_epoch_have_a_sentence_in_place_of_curves(window, tmp_path) -> None:
    words = ["data=sklearn", "trainer.epochs=2", "seed=0,1", "optimizer.lr=1e30"]
    sweep = front.sweep(*words, directory=tmp_path / "sweep")
    page = Page(window, front.runs(sweep.path).report(tmp_path / "page.html")).open()
    assert page.said("curves-says") == "No run has an epoch that ended."
    assert page.window.run("return document.getElementById('curves-picture').hidden")
