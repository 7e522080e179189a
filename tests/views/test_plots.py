"""The loss curve: a PNG, titled and labelled as in the article."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends import backend_agg
from matplotlib.figure import Figure
from PIL import Image
from runs.driving import train

from seedbed.errors import RunDirectoryError
from seedbed.training.figure import loss_figure
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
    (axes,) = drawn[0].axes
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["sum train/loss", "iris train/loss", "iris val/loss"]
    assert size(tmp_path / "both.png") == (700, 420)


def test_a_run_leaves_its_picture(runs: list[Path]) -> None:
    assert size(runs[0] / "loss.png") == (700, 420)
    assert not (runs[1] / "loss.png").exists()


def test_plotting_one_run_puts_the_picture_into_it(tmp_path: Path) -> None:
    train(tmp_path / "run", "trainer.epochs=1")
    assert plot_losses([tmp_path / "run"]) == tmp_path / "run" / "loss.png"
    assert size(tmp_path / "run" / "loss.png") == (700, 420)


def test_a_run_without_a_finished_epoch_has_nothing_to_plot(tmp_path: Path) -> None:
    train(tmp_path / "run", "optimizer.lr=1e38", "loader=full_batch")
    with pytest.raises(RunDirectoryError, match="no finished epoch to plot"):
        plot_losses([tmp_path / "run"])
