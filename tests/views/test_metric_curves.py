"""A metric by epoch over seeds: its numbers are those of pandas on the histories of real runs."""

import contextlib
import math
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from support.command_line import Command

import seedbed as front
from seedbed.analysis.runs_compared import Request, compare_runs
from seedbed.catalog.table import table_of
from seedbed.errors import ArgumentError
from seedbed.views.drawing import text_of
from seedbed.views.metric_curves import MetricCurve, metric_curve, metric_curves, short_names
from seedbed.views.metric_curves_drawn import draw_curves
from seedbed.views.pictures import PictureRequest, picture


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rates by three seeds."""
    folder = tmp_path_factory.mktemp("curves")
    with contextlib.chdir(folder):
        front.sweep(
            "data=sklearn", "data.split.seed=0", "trainer.epochs=4",
            "optimizer.lr=0.01,0.1", "seed=0,1,2", "sweep.fuse=always", directory="tried",
        )  # fmt: skip
    return folder / "tried"


def histories(sweep: Path) -> pd.DataFrame:
    frames = []
    for run in front.load_sweep(sweep):
        lr, seed = run.config["optimizer"]["lr"], run.config["seed"]
        frames.append(pd.read_csv(run.path / "history.csv").assign(lr=lr, seed=seed))
    return pd.concat(frames)


@pytest.mark.parametrize("metric", ["val/loss", "val/accuracy", "train/loss"])
def test_means_and_bands_over_seeds_are_those_of_pandas(sweep: Path, metric: str) -> None:
    curves, notes = metric_curves(compare_runs(table_of([sweep]), Request(metric)))
    by = histories(sweep).groupby(["lr", "epoch"])[metric]
    assert sorted(one.label for one in curves) == ["lr=0.01", "lr=0.1"]
    assert notes == []
    for curve in curves:
        lr = float(curve.label.removeprefix("lr="))
        assert list(curve.epochs) == [1, 2, 3, 4]
        assert curve.means == pytest.approx(by.mean()[lr].to_list(), rel=1e-12)
        assert curve.stds == pytest.approx(by.std()[lr].to_list(), rel=1e-9)
        assert (curve.n, curve.ended, curve.undefined, curve.is_cut) == (3, 0, 0, False)


def test_the_best_comes_first(sweep: Path) -> None:
    curves, _ = metric_curves(compare_runs(table_of([sweep])))
    finals = histories(sweep).query("epoch == 4").groupby("lr")["val/loss"].mean()
    assert curves[0].label == f"lr={finals.idxmin()}"


def test_without_seeds_each_run_has_its_own_values(sweep: Path) -> None:
    curves, _ = metric_curves(compare_runs(table_of([sweep]), Request(over=())))
    assert len(curves) == 6
    table = histories(sweep).set_index(["lr", "seed"]).sort_index()
    for curve in curves:
        lr, seed = (float(part.partition("=")[2]) for part in curve.label.split())
        assert list(curve.means) == table.loc[(lr, int(seed)), "val/loss"].to_list()
        assert curve.stds is None


def history(*values: float | None) -> dict[str, list[float | None]]:
    return {"epoch": [float(n) for n in range(1, len(values) + 1)], "loss": list(values)}


def test_a_mean_is_of_all_runs_or_is_not_drawn() -> None:
    curve = metric_curve("", [history(4, 2, 1, 1), history(2, 2), history(3, 5, 9)], "loss")
    assert (curve.epochs, curve.means) == ([1, 2], [3, 3])
    assert (curve.is_cut, curve.ended, curve.last) == (True, 2, 4)


def test_values_that_are_not_finite_leave_a_gap_and_are_counted() -> None:
    curve = metric_curve(
        "", [history(1, math.nan, 3, 4), history(3, 2, None, 1e200), history(2, 2, 2, 2)], "loss"
    )
    assert (curve.epochs, curve.undefined, curve.ended) == ([1], 3, 0)
    assert metric_curve("", [history(), history(1)], "loss").epochs == []
    assert metric_curve("", [history()], "loss").n == 1


def test_keys_are_named_by_their_ends_unless_two_end_alike() -> None:
    assert short_names(["optimizer.lr", "model.size", "data.size", "seed"]) == {
        "optimizer.lr": "lr", "model.size": "model.size", "data.size": "data.size", "seed": "seed",
    }  # fmt: skip


def test_what_is_not_finite_is_told(sweep: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(sweep, copy)
    path = next(one for one in sorted(copy.glob("*/history.csv")))
    table = pd.read_csv(path)
    table.loc[1, "val/loss"] = math.inf
    table.iloc[:3].to_csv(path, index=False)
    curves, notes = metric_curves(compare_runs(table_of([copy])))
    cut = next(one for one in curves if one.is_cut)
    assert (list(cut.epochs), cut.n, cut.ended, cut.undefined) == ([1, 3], 3, 1, 1)
    assert notes[0].startswith(
        "1 line cut short, as a mean is of all runs of its setting: 1 run ended"
    )
    assert notes[1] == "not drawn, as not finite: 1 of the values of val/loss"


def test_labels_draw_no_formula_and_hold_no_control_characters() -> None:
    assert text_of("$x^{\x1b[31m") == r"\$x^{\x1b[31m"
    assert text_of("a" * 70) == "a" * 59 + "…"


def test_the_figure_has_the_lines_their_bands_and_a_legend(sweep: Path) -> None:
    curves, _ = metric_curves(compare_runs(table_of([sweep])))
    figure, notes = picture(table_of([sweep]), PictureRequest())
    (axes,) = figure.axes
    assert notes == []
    assert axes.get_title() == "val/loss by epoch, mean over seed"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "val/loss")
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [f"{c.label}  n=3" for c in curves]
    assert "± 1 standard deviation" in legend.get_title().get_text()
    for line, curve in zip(reversed(axes.lines), curves, strict=True):
        assert list(line.get_ydata()) == list(curve.means)
    low, high = axes.collections[-1].get_datalim(axes.transData).intervaly
    first = pd.DataFrame({"mean": curves[0].means, "std": curves[0].stds})
    assert low == pytest.approx((first["mean"] - first["std"]).min())
    assert high == pytest.approx((first["mean"] + first["std"]).max())


def test_lines_are_told_apart_without_colour_and_no_more_than_can_be_are_named() -> None:
    many = [
        MetricCurve(f"lr={n} $x^$", [1, 2], [1.0 + n, 2.0], None, 1, 2, 0, 0) for n in range(23)
    ]
    figure = draw_curves(many, "loss", ())
    FigureCanvasAgg(figure).draw()
    (axes,) = figure.axes
    looks = {(line.get_linestyle(), line.get_marker()) for line in axes.lines[3:]}
    assert len(looks) == 20
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[-1] == "and 3 more, in grey"
    assert len(texts) == 21
    box = figure.legends[0].get_window_extent()
    assert not box.overlaps(axes.get_window_extent())
    assert box.x1 <= figure.bbox.x1
    assert box.y0 >= 0


def test_a_damaged_history_leaves_the_others(seedbed: Command, sweep: Path, tmp_path: Path) -> None:
    shutil.copytree(sweep, "copy")
    run = next(one for one in sorted(Path("copy").iterdir()) if one.is_dir())
    (run / "history.csv").write_text("epoch,val/loss\nx,y\n")
    words = ("--metric", "val/loss", "--over", "none", "--output", "x.svg")
    result = seedbed("plot", "copy", *words)
    assert result.code == 0
    told = result.err.splitlines()
    assert told[0].startswith("note: no curve of 1 run: ")
    assert f"{run}/history.csv' is damaged: could not convert" in told[0]
    assert told[1] == "note: not drawn, as no epoch has a finite val/loss: 1 run"
    assert len(told) == 2
    (line,) = seedbed("plot", run, *words).errors
    assert "history.csv' is damaged" in line


def test_a_dollar_in_a_label_has_no_backslash_before_it() -> None:
    curve = MetricCurve("key=$x$", [1, 2], [1.0, 2.0], [0.0, 0.0], 3, 2, 0, 0)
    (legend,) = draw_curves([curve], "loss", ["seed"]).legends
    assert legend.get_texts()[0].get_text() == r"key=\$x\$  n=3"


@pytest.mark.parametrize(
    ("ending", "first"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("PDF", b"%PDF")]
)
def test_the_ending_says_the_form(seedbed: Command, sweep: Path, ending: str, first: bytes) -> None:
    result = seedbed("plot", sweep, "--metric", "val/accuracy", "--output", f"out.{ending}")
    assert (result.code, result.out) == (0, f"figure: out.{ending}\n")
    assert Path(f"out.{ending}").read_bytes().startswith(first)
    run = next(one for one in sorted(sweep.iterdir()) if one.is_dir())
    assert seedbed("plot", run, "--output", f"one.{ending}").code == 0
    assert Path(f"one.{ending}").read_bytes().startswith(first)


def test_a_filter_and_a_folder_decide_what_is_drawn(seedbed: Command, sweep: Path) -> None:
    words = ("--filter", "seed=0", "--output", "few.svg")
    assert seedbed("plot", sweep.parent, *words).code == 0
    assert seedbed("plot", sweep.parent, "--over", "none", "--output", "all.svg").code == 0
    assert "<!-- lr=0.01  n=3 -->" not in Path("few.svg").read_text()
    assert "<!-- lr=0.01 -->" in Path("few.svg").read_text()
    assert "<!-- lr=0.01 seed=2 -->" in Path("all.svg").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "several runs need a file to draw to"),
        (["--output", "x.jpg"], r"must end in \.png, \.svg or \.pdf"),
        (["--output", "no/x.png"], "no folder 'no'"),
        (["--output", "x.png", "--kind", "curve"], "no kind 'curve'; did you mean 'curves'"),
        (["--output", "x.png", "--metric", "val/los"], "did you mean 'val/loss'"),
        (["--output", "x.png", "--metric", "best.val/loss"], "type --metric val/loss"),
        (["--output", "x.png", "--over", "sede"], "no key 'sede'"),
        (["--output", "x.png", "--filter", "seed=9"], "none of 6 runs fulfils"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(
    seedbed: Command, sweep: Path, words: list[str], said: str
) -> None:
    result = seedbed("plot", sweep, *words)
    assert result.code == 2
    assert result.out == ""
    (line,) = result.err.splitlines()
    assert pd.Series([line]).str.contains(said).all(), line
    assert not list(Path().glob("x.*"))


def test_python_gives_figures(sweep: Path) -> None:
    before = set(sys.modules)
    figure = front.load_sweep(sweep).plot(metric="val/accuracy")
    assert figure.axes[0].get_ylabel() == "val/accuracy"
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert len(front.runs(sweep).filter("seed<2").plot(over=[]).axes[0].lines) == 4
    assert "matplotlib.pyplot" not in set(sys.modules) - before
    with pytest.raises(ArgumentError, match="kind: no kind 'pie'"):
        front.runs(sweep).plot("pie")


def test_what_the_command_would_say_stands_below_the_picture(sweep: Path, seedbed: Command) -> None:
    """In a notebook too: what is in no mean, or of which epoch a value is."""
    words = ["--kind", "slice", "--key", "optimizer.lr", "--over", "none"]
    said = seedbed("plot", sweep, *words, "--output", "x.png").err.splitlines()
    figure = front.runs(sweep).plot("slice", keys="optimizer.lr", over=[])
    assert said == ["note: a mean is over all values of seed"]
    assert [f"note: {note}" for note in figure.notes] == said
    shown = figure._repr_html_()
    assert shown is not None
    assert "<li>a mean is over all values of seed</li>" in shown
    figure.notes = ["<script>alert(1)</script>"]
    assert "<li>&lt;script&gt;alert(1)&lt;/script&gt;</li>" in figure._repr_html_()
    figure.notes = []
    assert figure._repr_html_() is None
