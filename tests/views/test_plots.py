"""The loss curve: a PNG, titled and labelled as in the article."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends import backend_agg
from matplotlib.figure import Figure
from PIL import Image
from support.single_runs import train

from seedbed.errors import RunDirectoryError
from seedbed.recording.figure import draw_losses, loss_figure
from seedbed.views.comparison import comparison_figure, comparison_png
from seedbed.views.plots import plot_losses


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Figure]]:
    """The figures that are drawn from now on."""
    figures: list[Figure] = []

    class Canvas(backend_agg.FigureCanvasAgg):
        def __init__(self, figure: Figure) -> None:
            super().__init__(figure)
            figures.append(figure)

    monkeypatch.setattr(backend_agg, "FigureCanvasAgg", Canvas)
    return iter([figures]).__next__()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("runs")
    train(folder / "sum", "trainer.epochs=6", draw=True)
    train(folder / "iris", "data=sklearn", "trainer.epochs=3")
    return [folder / "sum", folder / "iris"]


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG"
        return image.size


def test_title_and_labels_are_the_article_s(drawn: list[Figure]) -> None:
    loss_figure({"train/loss": ([1, 2], [3.0, 2.0])})
    (axes,) = drawn[0].axes
    assert axes.get_title() == "Loss variation over increasing epochs"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epochs", "loss value")


def test_the_curve_is_the_history_s(drawn: list[Figure], runs: list[Path], tmp_path: Path) -> None:
    plot_losses([runs[1]], tmp_path / "loss.png")
    (axes,) = drawn[0].axes
    history = np.genfromtxt(runs[1] / "history.csv", delimiter=",", names=True, deletechars="")
    assert [line.get_label() for line in axes.lines] == ["train/loss", "val/loss"]
    for line in axes.lines:
        np.testing.assert_array_equal(line.get_xdata(), history["epoch"])
        np.testing.assert_array_equal(line.get_ydata(), history[line.get_label()])


def test_several_runs_share_a_picture_under_their_own_names(
    drawn: list[Figure], runs: list[Path], tmp_path: Path
) -> None:
    assert plot_losses(runs, tmp_path / "both.png") == tmp_path / "both.png"
    assert legend(drawn[0]) == ["sum", "iris", "thick: val/loss", "thin: train/loss"]
    assert drawn[0].axes[0].get_ylabel() == "loss values, not all in one unit"
    size(tmp_path / "both.png")


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def looks(figure: Figure) -> list[tuple[object, ...]]:
    """Of each line: colour and dashes; how it is told from the other line of its run."""
    (axes,) = figure.axes
    return [(line.get_color(), line.get_linestyle(), line.get_linewidth()) for line in axes.lines]


@pytest.mark.parametrize("count", [8, 40, 43])
def test_each_run_has_a_look_of_its_own_and_a_line_in_the_legend(
    drawn: list[Figure], count: int
) -> None:
    curve = ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])
    runs = {f"{n:02}_seed={n}": {"train/loss": curve, "val/loss": curve} for n in range(count)}
    comparison_png(runs, "loss value")
    named = min(count, 40)
    more = [f"and {count - 40} more"] if count > 40 else []
    assert legend(drawn[0]) == [*list(runs)[:named], *more, "thick: val/loss", "thin: train/loss"]
    coloured = [look for look in looks(drawn[0]) if look[0] != "lightgrey"]
    assert len(coloured) == len(set(coloured)) == 2 * named
    for handle, text in zip(*_handles(drawn[0]), strict=True):
        if text in list(runs)[:named]:
            number = list(runs).index(text)
            line = drawn[0].axes[0].lines[2 * (count - 1 - number) + 1]
            assert handle == (line.get_color(), line.get_linestyle())


def _handles(figure: Figure) -> tuple[list[tuple[object, object]], list[str]]:
    (found,) = figure.legends
    lines = [(line.get_color(), line.get_linestyle()) for line in found.get_lines()]
    return lines, [text.get_text() for text in found.get_texts()]


def test_the_legend_hides_no_curve(drawn: list[Figure]) -> None:
    curve = ([1.0, 2.0], [3.0, 2.0])
    comparison_png(
        {f"{n:02}_{'long' * 20}": {"train/loss": curve} for n in range(30)}, "loss value"
    )
    (figure,) = drawn
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    box = figure.legends[0].get_window_extent(renderer)
    assert not box.overlaps(figure.axes[0].get_window_extent(renderer))
    assert box.x1 <= figure.bbox.x1
    assert box.y0 >= 0


def test_runs_of_one_name_in_two_folders_are_both_drawn(
    drawn: list[Figure], tmp_path: Path
) -> None:
    for sweep in ("a", "b"):
        train(tmp_path / sweep / "0_seed=1", "trainer.epochs=2")
    folders = [tmp_path / sweep / "0_seed=1" for sweep in ("a", "b", "b")]
    plot_losses(folders, tmp_path / "both.png")
    assert legend(drawn[0]) == ["a/0_seed=1", "b/0_seed=1"]
    assert drawn[0].axes[0].get_ylabel() == "loss value"


def test_a_name_with_signs_of_a_formula_is_written_as_it_is(
    drawn: list[Figure], runs: list[Path], tmp_path: Path
) -> None:
    named = [tmp_path / "$x^{$", tmp_path / "b$"]
    for run, name in zip(runs, named, strict=False):
        shutil.copytree(run, name)
    plot_losses(named, tmp_path / "both.png")
    (legend,) = drawn[-1].legends
    assert [text.get_text() for text in legend.get_texts()][:2] == [r"\$x^{\$", r"b\$"]


def test_a_run_leaves_its_picture(runs: list[Path]) -> None:
    assert size(runs[0] / "loss.png") == (700, 420)
    assert not (runs[1] / "loss.png").exists()


def test_plotting_one_run_puts_the_picture_into_it(tmp_path: Path) -> None:
    train(tmp_path / "run", "trainer.epochs=1")
    assert plot_losses([tmp_path / "run"]) == tmp_path / "run" / "loss.png"
    assert size(tmp_path / "run" / "loss.png") == (700, 420)


def test_a_run_without_a_finished_epoch_has_nothing_to_plot(tmp_path: Path) -> None:
    train(tmp_path / "run", "optimizer.lr=1e30")
    with pytest.raises(RunDirectoryError, match="no finished epoch to plot"):
        plot_losses([tmp_path / "run"])


def test_lines_are_told_apart_without_colour() -> None:
    """Of the first twenty runs; up to forty by colour as well. One run: train and val."""
    runs = {f"run {n}": {"val/loss": ([1, 2], [3.0 + n, 2.0])} for n in range(40)}
    legend = comparison_figure(runs, "loss").legends[0].get_lines()[:40]
    forms = [(line.get_linestyle(), line.get_marker()) for line in legend]
    assert len(set(forms[:20])) == 20
    assert len({(line.get_color(), *form) for line, form in zip(legend, forms, strict=True)}) == 40
    figure = Figure()
    draw_losses(figure, {name: ([1, 2], [3.0, 2.0]) for name in ("train/loss", "val/loss")})
    assert [line.get_linestyle() for line in figure.axes[0].lines] == ["-", "--"]
