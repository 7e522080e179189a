"""A metric against keys and metrics: the numbers are those of pandas on real runs."""

import contextlib
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from support.command_line import Command

import seedbed as front
from seedbed.analysis.runs_compared import RunsCompared, compare_runs
from seedbed.catalog.table import table_of
from seedbed.views.shares_drawn import bars_of
from seedbed.views.slices import Grid, Group, Level, Slice, grid_of, groups_of, in_order, slice_of
from seedbed.views.slices_drawn import draw_grid, draw_groups, draw_slice, remarks


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two optimizers by three rates by two seeds."""
    folder = tmp_path_factory.mktemp("slices")
    with contextlib.chdir(folder):
        front.sweep(
            "data=sklearn", "data.split.seed=0", "trainer.epochs=2", "optimizer=sgd,adam",
            "optimizer.lr=0.001,0.01,0.1", "seed=0,1", directory="tried",
        )  # fmt: skip
    return folder / "tried"


@pytest.fixture(scope="module")
def compared(sweep: Path) -> RunsCompared:
    return compare_runs(table_of([sweep]))


@pytest.fixture(scope="module")
def results(sweep: Path) -> pd.DataFrame:
    return pd.read_csv(sweep / "results.csv")


def test_a_slice_has_the_runs_and_their_means(compared, results) -> None:
    drawn = slice_of(compared, "optimizer.lr")
    by = results.groupby("optimizer.lr")["val/loss"]
    assert list(drawn.at) == [0.001, 0.01, 0.1]
    assert [level.mean for level in drawn.levels] == pytest.approx(by.mean().to_list(), rel=1e-12)
    for value, level in zip(drawn.at, drawn.levels, strict=True):
        assert sorted(level.values) == sorted(by.get_group(value))
    (axes,) = draw_slice(drawn, "val/loss").axes
    assert axes.get_xscale() == "log"
    assert list(axes.lines[1].get_ydata()) == [level.mean for level in drawn.levels]
    assert len(axes.lines[0].get_ydata()) == 12


def test_names_are_ticks(compared, results) -> None:
    drawn = slice_of(compared, "optimizer")
    means = results.groupby("optimizer")["val/loss"].mean()
    assert not drawn.is_numeric
    assert [level.mean for level in drawn.levels] == pytest.approx(means[drawn.at].to_list())
    (axes,) = draw_slice(drawn, "val/loss").axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == list(drawn.at)


def test_a_slice_marks_the_runs_without_a_value() -> None:
    levels = [Level([0.5, 1.5], 0), Level([2.0], 1), Level([], 3)]
    figure = draw_slice(Slice("lr", [0.1, 1.0, 1e30], levels), "loss")
    FigureCanvasAgg(figure).draw()
    (axes,) = figure.axes
    assert list(axes.lines[2].get_xdata()) == [1.0, 1e30]
    assert [text.get_text() for text in axes.texts] == ["1", "3"]
    assert axes.get_xlim()[1] >= 1e30


def test_a_heatmap_has_the_mean_in_each_cell(compared, results) -> None:
    drawn = grid_of(compared, "optimizer", "optimizer.lr")
    table = results.pivot_table(
        index="optimizer", columns="optimizer.lr", values="val/loss", aggfunc="mean"
    ).loc[drawn.rows, drawn.columns]
    assert [[cell.mean for cell in line] for line in drawn.cells] == [
        pytest.approx(line) for line in table.to_numpy().tolist()
    ]
    axes = draw_grid(drawn, "val/loss").axes[0]
    texts = [f"{value:.4g}" for value in table.to_numpy().ravel()]
    assert [text.get_text() for text in axes.texts] == texts


def test_a_cell_without_runs_and_one_without_values_say_so() -> None:
    cells = [[Level([0.5], 0), None], [Level([], 2), Level([2.0, 4.0], 1)]]
    figure = draw_grid(Grid("a", "b", [1, 2], ["x", "$y^$"], cells), "loss")
    FigureCanvasAgg(figure).draw()
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["0.5", "no run", "no value\n(2 without)", "3\n(1 without)"]
    assert remarks([cell for line in cells for cell in line], ["seed"], "loss") == [
        "a mean is over all values of seed",
        "in no mean, as they have no finite loss at their end: 3 runs",
        "the means are not all over the same number of runs",
    ]


def test_a_scatter_has_a_point_for_each_run(compared, results) -> None:
    groups, without = groups_of(compared, "train/loss")
    assert without == 0
    assert len(groups) == 6
    points = {(x, y) for one in groups for x, y in zip(one.x, one.y, strict=True)}
    assert points == set(zip(results["train/loss"], results["val/loss"], strict=True))


def test_points_are_told_apart_without_colour() -> None:
    groups = [Group(f"lr={n}", [float(n)], [1.0]) for n in range(22)]
    figure = draw_groups(groups, "a", "b")
    looks = {
        (one.get_marker(), one.get_markerfacecolor() == "none") for one in figure.axes[0].lines
    }
    assert len(looks) == 21
    assert figure.legends[0].get_texts()[-1].get_text() == "and 2 more, in grey"


def test_importance_draws_the_shares_of_the_comparison(sweep, compared) -> None:
    bars, found = bars_of(compared), front.runs(sweep).compare().importance
    assert bars.shares == [*(one.share for one in found.shares), found.noise]
    assert sum(bars.shares) == pytest.approx(1)
    (axes,) = front.runs(sweep).plot("importance").axes
    assert [patch.get_width() for patch in axes.patches] == bars.shares


def test_numbers_come_before_names_in_their_order() -> None:
    assert in_order(["b", 10, "a", 0.5, True, None]) == [0.5, 10, "a", "b", None, True]
    assert not Slice("a", [1, None], []).is_numeric


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["slice"], "name one key of the runs; those that differ are optimizer, optimizer.lr"),
        (["slice", "--key", "optimizer.lrr"], "was not swept; did you mean 'optimizer.lr'"),
        (["slice", "--key", "seed"], "seed is what is repeated; type --over none"),
        (["heatmap", "--key", "optimizer"], "--key: takes 2, got optimizer"),
        (["heatmap", "--filter", "seed=0 and optimizer=sgd"], "name two keys"),
        (["scatter"], "type --against and one of"),
        (["scatter", "--against", "train/los"], "did you mean 'train/loss'"),
        (["curves", "--key", "optimizer"], "--key is of a slice or a heatmap"),
        (["slice", "--key", "optimizer", "--against", "train/loss"], "--against is of a scatter"),
        (["importance", "--over", "none"], "importance: it takes settings"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(
    seedbed: Command, sweep: Path, words: list[str], said: str
) -> None:
    result = seedbed("plot", sweep, "--output", "x.png", "--kind", *words)
    assert (result.code, result.out) == (2, "")
    (line,) = result.err.splitlines()
    assert said in line
    assert not Path("x.png").exists()


def test_one_run_has_nothing_for_a_heatmap(seedbed: Command, sweep: Path) -> None:
    run = next(one for one in sorted(sweep.iterdir()) if one.is_dir())
    result = seedbed("plot", run, "--output", "x.png", "--kind", "heatmap")
    assert (result.code, result.err) == (
        2, "error: --key: name two keys, with a comma between, of the runs; no key differs\n",
    )  # fmt: skip


def test_a_picture_is_written_and_python_draws_the_same(seedbed: Command, sweep: Path) -> None:
    for kind in (
        ["heatmap"],
        ["slice", "--key", "optimizer"],
        ["scatter", "--against", "val/loss"],
    ):
        assert seedbed("plot", sweep, "--output", "x.svg", "--kind", *kind).code == 0
    assert front.load_sweep(sweep).plot("heatmap", keys=["optimizer", "optimizer.lr"]).axes


@pytest.mark.parametrize(
    ("at", "ticks"),
    [
        ([1e-3, 3e-3, 1e-2], ["0.001", "0.003", "0.01"]),
        ([8, 16, 32, 64], ["8", "16", "32", "64"]),
        ([4], ["4"]),
        ([1.0, 1.01, 2.0], None),
    ],
)
def test_a_slice_has_its_values_as_ticks_where_there_is_room(at, ticks) -> None:
    (axes,) = draw_slice(Slice("k", at, [Level([0.5], 0)] * len(at)), "loss").axes
    shown = [label.get_text() for label in axes.get_xticklabels()]
    assert (shown == ticks) == (ticks is not None)
