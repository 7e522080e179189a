"""What other tools' pictures of rows were reported for: places, contrast, limits, and room."""

from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from seedbed.views.class_rows import Confusion, calibration_of, confusion_of, rocs_of
from seedbed.views.class_rows_drawn import (
    draw_calibration,
    draw_confusion,
    draw_rocs,
    short_names,
)
from seedbed.views.residuals import Residuals, draw_residuals


def rendered(figure: Figure) -> Figure:
    FigureCanvasAgg(figure).draw()
    return figure


def assert_inside(figure: Figure) -> None:
    """No text, axis or legend is cut off by the edge of the picture."""
    rendered(figure)
    box = figure.get_tightbbox()
    wide, high = figure.get_size_inches()
    assert (box.x0, box.y0) >= (-0.02, -0.02)
    assert box.x1 <= wide + 0.02
    assert box.y1 <= high + 0.02


def one_hot(predicted: list[int], classes: int) -> np.ndarray[Any, Any]:
    return np.eye(classes)[predicted]


def test_true_classes_are_rows_and_predicted_ones_columns() -> None:
    """As torchmetrics, whose axes were swapped (issue 1971), has them now."""
    found = confusion_of(one_hot([0], 4), np.array([1]))
    axes = draw_confusion(found, list("abcd"), "t").axes[0]
    (told,) = [text for text in axes.texts if text.get_text().startswith("1")]
    assert told.get_position() == (0, 1)
    assert axes.images[0].get_array()[1, 0] == 1
    assert axes.yaxis_inverted()


def test_classes_that_no_row_has_keep_their_places() -> None:
    """In wandb the others moved up (pull request 1960)."""
    found = confusion_of(one_hot([3, 3, 1], 5), np.array([3, 1, 1]))
    axes = draw_confusion(found, list("abcde"), "t").axes[0]
    assert [one.get_text() for one in axes.get_xticklabels()] == list("abcde")
    assert [one.get_text() for one in axes.get_yticklabels()] == [
        "a (0)", "b (2)", "c (0)", "d (1)", "e (0)",
    ]  # fmt: skip
    assert np.isnan(np.ma.filled(axes.images[0].get_array(), np.nan)[[0, 2, 4]]).all()


def contrast(first: Any, second: Any) -> float:
    """As WCAG 2 defines it, of two colours."""
    from matplotlib.colors import to_rgb

    light = []
    for colour in (first, second):
        parts = np.array(to_rgb(colour))
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        light.append(linear @ [0.2126, 0.7152, 0.0722])
    return (max(light) + 0.05) / (min(light) + 0.05)


def test_every_number_can_be_read_on_its_cell() -> None:
    """Also where a class has no row, which turned all of them white in scikit-learn (27306)."""
    counts = np.array([[n, 100 - n, 0, 0] for n in range(0, 101, 3)])
    for row in counts:
        matrix = Confusion(np.array([row, [0, 0, 0, 0], [9, 0, 1, 0], [0, 0, 0, 500]]))
        axes = draw_confusion(matrix, list("abcd"), "t").axes[0]
        image = axes.images[0]
        for text in axes.texts:
            column, line = (int(at) for at in text.get_position())
            share = matrix.shares[line, column]
            behind = axes.get_facecolor() if np.isnan(share) else image.cmap(image.norm(share))
            assert contrast(text.get_color(), behind[:3]) > 4, (share, text.get_color())


def test_one_predicted_class_is_a_column_of_one_colour() -> None:
    """The colours go from 0 to 1 whatever the shares, which they did not in Ludwig (565)."""
    found = confusion_of(one_hot([1] * 6, 3), np.array([0, 0, 1, 1, 2, 2]))
    image = draw_confusion(found, list("abc"), "t").axes[0].images[0]
    assert image.get_clim() == (0, 1)
    assert image.get_array()[:, 1].tolist() == [1, 1, 1]


def test_many_classes_are_thinned_and_few_have_numbers() -> None:
    for number, texts, names in ((12, 144, 12), (25, 625, 25), (26, 0, 26), (100, 0, 25)):
        found = Confusion(np.eye(number, dtype=int) * 7)
        axes = draw_confusion(found, [f"class {n}" for n in range(number)], "t").axes[0]
        assert (len(axes.texts), len(axes.get_xticks())) == (texts, names)
        assert axes.get_xticklabels()[1].get_text() == ("class 4" if number == 100 else "class 1")


def test_names_that_are_cut_alike_are_told_apart() -> None:
    names = [f"{'x' * 30}{n}" for n in range(3)] + ["y", ""]
    short = short_names(names)
    assert len(set(short)) == 5
    assert short[2].startswith("2: xxx")
    assert short[3:] == ["y", "''"]


def test_a_name_is_drawn_as_it_is_everywhere() -> None:
    """Not as a formula, and not with the backslashes that keep it from being one."""
    names = ["$x$", "a$", "\\$b"]
    found = confusion_of(one_hot([0, 1, 2], 3), np.array([0, 1, 2]))
    axes = draw_confusion(found, names, "t").axes[0]
    texts = [tick.get_text() for tick in axes.get_xticklabels()]
    (axes,) = draw_rocs(rocs_of(one_hot([0, 1, 2], 3), np.array([0, 1, 2]))[0], names, "t").axes
    texts += [one.get_text().split(" ")[0] for one in axes.get_legend().get_texts()[:3]]
    assert texts == [r"\$x\$", r"a\$", r"\\$b"] * 2


def test_a_curve_is_of_all_rows() -> None:
    """In wandb rows beyond 10,000 were cut off, whole classes with them (issue 3756)."""
    draws = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 20_000)
    probabilities = draws.dirichlet([1, 1, 1], len(labels))
    probabilities[labels == 2] = [0, 0, 1]
    curves, without = rocs_of(probabilities, labels)
    assert without == []
    assert curves[2].area == 1
    assert len(curves[2].hits) == 3
    assert 0 < curves[0].area < 1


def test_the_ends_of_the_scale_are_in_bins_of_their_own() -> None:
    """In torchmetrics 1.0 had a bin beside the last (issue 3510), and 0.0 none (1646)."""
    found = calibration_of(np.array([0.95, 1.0, 0.0, 0.02]), np.array([True, False, False, True]))
    assert found.rows.tolist() == [2, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    assert found.error == pytest.approx(0.5 * abs(0.5 - 0.975) + 0.5 * abs(0.5 - 0.01))
    above = calibration_of(np.array([1 + 1e-7]), np.array([True]))
    assert above.rows[-1] == 1


def residual(true: Any, predicted: Any, name: str = "y") -> Residuals:
    return Residuals(name, np.array(true, dtype=float), np.array(predicted, dtype=float))


@pytest.mark.parametrize("size", [1e-12, 1e-7, 1.0, 1e12, 1e90])
def test_the_axes_hold_the_points_and_are_the_same(size: float) -> None:
    """Yellowbrick added 1 to either side (issue 1193), and had axes of two scales (263)."""
    one = residual([size, 2 * size, 3 * size], [1.5 * size, 2 * size, 2.5 * size])
    axes = rendered(draw_residuals([one], "t")).axes[0]
    assert axes.get_xlim() == axes.get_ylim()
    low, high = axes.get_xlim()
    assert 0.9 * size < low < size
    assert 3 * size < high < 3.1 * size
    line = axes.lines[0]
    assert list(line.get_xdata()) == list(line.get_ydata())


@pytest.mark.parametrize(
    ("true", "predicted"),
    [
        ([1], [1]),
        ([5, 5], [5, 5]),
        ([0, 0], [0, 0]),
        ([1, 2, 3], [2, 2, 2]),
        ([0, 1e99], [-1e99, 0]),
    ],
)
def test_what_does_not_vary_is_drawn(true: list[float], predicted: list[float]) -> None:
    figure = rendered(draw_residuals([residual(true, predicted)], "t"))
    assert figure.axes[2].patches[0].get_data().values.sum() == len(true)


def test_an_outlier_makes_no_million_bins() -> None:
    one = residual(np.r_[np.random.default_rng(0).normal(size=1000), 1e12], np.zeros(1001))
    assert len(draw_residuals([one], "t").axes[2].patches[0].get_data().values) == 31


@pytest.mark.parametrize("targets", [1, 2, 3, 5, 6])
def test_each_target_has_its_panels(targets: int) -> None:
    """In torchmetrics some numbers of labels had no panel for the last (issue 2059)."""
    drawn = [residual([1, 2], [2, 1], f"y{n}") for n in range(targets)]
    figure = draw_residuals(drawn, "t")
    assert [axes.get_xlabel() for axes in figure.axes[::3]] == [
        f"true y{n}" for n in range(targets)
    ]


LONG = "W" * 300


@pytest.mark.parametrize("number", [2, 5, 12, 25, 60])
def test_nothing_is_cut_off_at_the_edge(number: int) -> None:
    """Long names included, and titles of long paths (MLflow and wandb cut both)."""
    names = [f"{n}{LONG}" for n in range(number)]
    title = f"{'a title ' * 8}\n{'e' * 68}"
    draws = np.random.default_rng(0)
    probabilities = draws.dirichlet(np.ones(number), 300)
    labels = draws.integers(0, number, 300)
    assert_inside(draw_confusion(confusion_of(probabilities, labels), names, title))
    assert_inside(draw_rocs(rocs_of(probabilities, labels)[0], names, title))


def test_nothing_is_cut_off_in_other_pictures() -> None:
    title = f"{'a title ' * 8}\n{'e' * 68}"
    draws = np.random.default_rng(0)
    found = calibration_of(draws.random(100), draws.random(100) > 0.5)
    assert_inside(draw_calibration(found, f"predicted probability of '{'W' * 20}'", title))
    one = residual(1e8 * draws.random(50), 1e8 * draws.random(50), LONG)
    assert_inside(draw_residuals([one, one], title))


@pytest.mark.parametrize("rows", [1, 2, 80])
def test_the_deviation_of_residuals_is_that_of_a_sample(rows: int) -> None:
    """As everywhere else, with n - 1 below; of one row there is none."""
    true = np.random.default_rng(rows).normal(size=rows)
    title = draw_residuals([residual(true, np.zeros(rows))], "t").axes[2].get_title()
    assert ("std" in title) == (rows > 1)
    if rows > 1:
        assert float(title.rpartition(" ")[2]) == pytest.approx(np.std(true, ddof=1), rel=1e-3)
