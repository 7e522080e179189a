"""Parts by folds, groups and times, against scikit-learn's: its form, not its random numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, StratifiedKFold, TimeSeriesSplit
from support.houses import prepared_data, write_csv

from seedbed.config.schema import DataConfig, Split
from seedbed.data.splits import Told, parts_of
from seedbed.errors import ConfigError, DataError

FAST = settings(deadline=None, max_examples=30)
COLUMNS = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def parts(
    told: Told, rows: int, *, folds: int | None = None, fold: int = 0, seed: int = 0, **split: Any
) -> dict[str, list[int]]:
    plain = {"validation": 0.0, "test": 0.0, "stratify": True, "seed": None, "by": None}
    whole = Split(**{**plain, "time": None, **split})
    held = None if folds is None else fold
    config = DataConfig(name="x", source="csv", task="auto", split=whole, folds=folds, fold=held)
    return {name: one.tolist() for name, one in parts_of(config, whole, seed, rows, told).items()}


def every_fold(told: Told, rows: int, folds: int, **rest: Any) -> list[dict[str, list[int]]]:
    return [parts(told, rows, folds=folds, fold=fold, **rest) for fold in range(folds)]


def each_row_validates_once(found: list[dict[str, list[int]]], rows: int) -> None:
    tested = found[0]["test"]
    validated = [row for one in found for row in one["validation"]]
    assert sorted([*validated, *tested]) == list(range(rows))
    for one in found:
        assert one["test"] == tested
        assert sorted([*one["train"], *one["validation"], *tested]) == list(range(rows))


@FAST
@given(rows=st.integers(20, 120), folds=st.integers(2, 7), seed=st.integers(0, 2**63 - 1))
def test_each_row_is_in_one_fold_and_sizes_differ_by_one(rows: int, folds: int, seed: int) -> None:
    found = every_fold(Told(), rows, folds, seed=seed, test=0.2)
    each_row_validates_once(found, rows)
    sizes = [len(one["validation"]) for one in found]
    assert max(sizes) - min(sizes) <= 1
    assert all(len(one["test"]) == int(rows * 0.2 + 0.5) for one in found)


@FAST
@given(draw=COLUMNS, folds=st.integers(2, 5), rows=st.integers(40, 120))
def test_folds_have_the_classes_in_the_numbers_that_scikit_learn_gives(
    draw: np.random.Generator, folds: int, rows: int
) -> None:
    classes = np.concatenate([np.arange(12) % 3, draw.choice(3, rows - 12, p=[0.7, 0.2, 0.1])])
    found = every_fold(Told(classes), rows, folds)
    each_row_validates_once(found, rows)
    sizes = [len(one["validation"]) for one in found]
    assert max(sizes) - min(sizes) <= 1
    ours = [np.bincount(classes[one["validation"]], minlength=3) for one in found]
    splits = StratifiedKFold(folds).split(classes, classes)
    theirs = [np.bincount(classes[test], minlength=3) for _, test in splits]
    for number in range(3):  # which fold has the odd rows is scikit-learn's own
        assert sorted(one[number] for one in ours) == sorted(one[number] for one in theirs)


@FAST
@given(draw=COLUMNS, folds=st.integers(2, 5), seed=st.integers(0, 2**63 - 1))
def test_groups_stay_whole_in_folds_of_the_sizes_that_scikit_learn_gives(
    draw: np.random.Generator, folds: int, seed: int
) -> None:
    groups = np.unique(draw.integers(0, 12, 90), return_inverse=True)[1]
    found = every_fold(Told(groups=groups), 90, folds, seed=seed, by="g")
    each_row_validates_once(found, 90)
    for one in found:
        assert not {*groups[one["train"]]} & {*groups[one["validation"]]}
    theirs = [len(test) for _, test in GroupKFold(folds).split(groups, groups=groups)]
    assert sorted(len(one["validation"]) for one in found) == sorted(theirs)


@FAST
@given(draw=COLUMNS, validation=st.floats(0.1, 0.4), test=st.floats(0.1, 0.4))
def test_no_group_is_in_two_parts(
    draw: np.random.Generator, validation: float, test: float
) -> None:
    groups = np.unique(draw.integers(0, 15, 90), return_inverse=True)[1]
    found = parts(Told(groups=groups), 90, validation=validation, test=test, by="g")
    held = [{*groups[rows]} for rows in found.values()]
    assert sum(map(len, held)) == groups.max() + 1
    number = groups.max() + 1
    assert len(held[2]) == int(number * test + 0.5)
    assert len(held[1]) == int(number * validation + 0.5)


@FAST
@given(draw=COLUMNS, moments=st.integers(10, 200))
def test_parts_follow_each_other_and_no_moment_is_cut_apart(
    draw: np.random.Generator, moments: int
) -> None:
    times = draw.integers(0, moments, 100).astype(float)
    found = parts(Told(times=times), 100, validation=0.2, test=0.2, time="t")
    assert sorted(row for rows in found.values() for row in rows) == list(range(100))
    first, second, third = (times[rows] for rows in found.values())
    assert first.max() < second.min() <= second.max() < third.min()
    most = np.bincount(times.astype(int)).max()
    assert abs(len(third) - 20) <= most / 2


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_folds_in_time_are_those_of_scikit_learn_where_nothing_is_tied(folds: int) -> None:
    times = np.random.default_rng(folds).permutation(47).astype(float)
    order = np.argsort(times)
    found = every_fold(Told(times=times), 47, folds, time="t")
    theirs = TimeSeriesSplit(folds).split(order)
    for one, (train, validation) in zip(found, theirs, strict=True):
        assert one["train"] == sorted(order[train].tolist())
        assert one["validation"] == sorted(order[validation].tolist())


def test_test_rows_are_the_same_with_folds_and_without() -> None:
    classes = np.arange(90) % 3
    without = parts(Told(classes), 90, seed=4, validation=0.1, test=0.2)
    assert parts(Told(classes), 90, seed=4, folds=5, test=0.2)["test"] == without["test"]


def test_the_fold_is_a_pure_function_of_the_split_seed() -> None:
    one = parts(Told(), 50, folds=5, fold=3, seed=7)
    assert parts(Told(), 50, folds=5, fold=3, seed=1, **{}) != one
    kept = [every_fold(Told(), 50, 5, seed=seed) for seed in (7, 7)]
    assert kept[0] == kept[1]


@pytest.mark.parametrize(
    ("told", "asked", "words"),
    [
        (Told(), {"folds": 11}, "data.folds=11 are more than the 10 rows; type fewer"),
        (Told(), {"folds": 9, "test": 0.2}, r"the 8 rows that data.split.test=0.2 leaves"),
        (Told(np.arange(10) // 9), {"folds": 2}, "1 class of 2 have one row"),
        (
            Told(groups=np.zeros(10, int)),
            {"validation": 0.2, "by": "g"},
            "'g' has one group only",
        ),
        (
            Told(groups=np.arange(10) % 3),
            {"folds": 4, "by": "g"},
            "data.folds=4 are more than the 3 groups of 'g'",
        ),
        (
            Told(groups=np.arange(10) % 2),
            {"validation": 0.1, "by": "g"},
            r"no validation rows of 10 in 2 groups of 'g'",
        ),
        (
            Told(times=np.zeros(10)),
            {"validation": 0.2, "time": "t"},
            r"no validation rows of 10 of 1 value in 't'|no train rows of 10 of 1 value in 't'",
        ),
        (
            Told(times=np.arange(10) // 4 * 1.0),
            {"folds": 5, "time": "t"},
            "data.folds=5 take 6 blocks .* 3 different values of 't' do not fill them",
        ),
    ],
)  # fmt: skip
def test_parts_that_cannot_be_are_refused(told: Told, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        parts(told, 10, **asked)


class TestColumns:
    @pytest.fixture
    def visits(self) -> dict[str, list[Any]]:
        draw = np.random.default_rng(3)
        return {
            "patient": [f"p{number}" for number in draw.integers(0, 8, 60)],
            "day": [f"2024-01-{number:02}" for number in draw.integers(1, 29, 60)],
            "x": draw.normal(size=60).tolist(),
            "y": draw.normal(size=60).tolist(),
        }

    @staticmethod
    def said(folder: Path, visits: dict[str, list[Any]], *words: str, name: str = "v") -> list[str]:
        path = write_csv(folder / f"{name}.csv", visits)
        return ["data=csv", f"data.path={path}", "data.target=y", *words]

    def test_the_column_is_no_feature_unless_it_is_named(
        self, visits: dict[str, list[Any]], tmp_path: Path
    ) -> None:
        words = self.said(tmp_path, visits, "data.split.by=patient", "data.drop=[day]")
        assert [one.name for one in prepared_data(*words).preprocessing.features] == ["x"]
        named = prepared_data(*words, "data.features=[patient,x]").preprocessing.features
        assert [one.name for one in named] == ["patient", "x"]

    def test_rows_in_another_order_give_the_groups_the_same_parts(
        self, visits: dict[str, list[Any]], tmp_path: Path
    ) -> None:
        words = self.said(tmp_path, visits, "data.split.by=patient", "data.drop=[day]")
        order = np.random.default_rng(0).permutation(60)
        mixed = {name: [cells[at] for at in order] for name, cells in visits.items()}
        others = self.said(
            tmp_path, mixed, "data.split.by=patient", "data.drop=[day]", name="mixed"
        )
        one, other = prepared_data(*words), prepared_data(*others)
        for part in ("train", "validation", "test"):
            rows, same = getattr(one, part).tensors[1], getattr(other, part).tensors[1]
            assert len(rows) == len(same)
        mean = one.preprocessing.features[0].mean
        assert mean == pytest.approx(other.preprocessing.features[0].mean, rel=1e-12)

    def test_files_of_their_own_may_share_no_group(
        self, visits: dict[str, list[Any]], tmp_path: Path
    ) -> None:
        words = self.said(tmp_path, visits, "data.split.by=patient", "data.drop=[day]")
        own = write_csv(tmp_path / "own.csv", {**visits, "patient": ["q", *["p1"] * 59]})
        with pytest.raises(DataError, match=r"group 'p1' of own.csv \(row 2\) is among the train"):
            prepared_data(*words, f"data.validation_path={own}", "data.split.test=0")

    def test_files_of_their_own_must_be_later(
        self, visits: dict[str, list[Any]], tmp_path: Path
    ) -> None:
        words = self.said(tmp_path, visits, "data.split.time=day", "data.drop=[patient]")
        own = write_csv(tmp_path / "own.csv", {**visits, "day": ["2024-02-01"] * 60})
        data = prepared_data(*words, f"data.test_path={own}")
        assert data.test is not None
        assert len(data.test) == 60  # type: ignore[arg-type]
        early = write_csv(tmp_path / "early.csv", {**visits, "day": ["2024-01-01"] * 60})
        with pytest.raises(DataError, match=r"row 1 of the test rows .* is not later than all"):
            prepared_data(*words, f"data.test_path={early}")

    def test_a_row_without_a_group_or_a_time_is_refused(
        self, visits: dict[str, list[Any]], tmp_path: Path
    ) -> None:
        for key, name in (("by", "patient"), ("time", "day")):
            holes = {**visits, name: [*visits[name][:5], None, *visits[name][6:]]}
            other = {"patient": "day", "day": "patient"}[name]
            words = self.said(tmp_path, holes, f"data.split.{key}={name}", f"data.drop=[{other}]")
            with pytest.raises(DataError, match="has no value in 1 of 60 rows, the first is row 6"):
                prepared_data(*words)

    def test_names_have_no_order(self, visits: dict[str, list[Any]], tmp_path: Path) -> None:
        words = self.said(tmp_path, visits, "data.split.time=patient", "data.drop=[day]")
        with pytest.raises(DataError, match="holds names, which have no order"):
            prepared_data(*words)

    def test_scales_are_fitted_on_the_training_rows_of_the_fold(
        self, visits: dict[str, list[Any]], tmp_path: Path
    ) -> None:
        words = self.said(tmp_path, visits, "data.drop=[day,patient]", "data.folds=3")
        words.append("data.split.test=0")
        means = []
        for fold in range(3):
            data = prepared_data(*words, f"data.fold={fold}")
            (feature,) = data.preprocessing.features
            x = data.train.tensors[0].double().numpy() * feature.scale + feature.mean
            assert x.mean() == pytest.approx(feature.mean, abs=1e-6)
            means.append(feature.mean)
        assert len(set(means)) == 3


@pytest.mark.parametrize(
    "words",
    [
        ["data.split.by=g"],
        ["data.split.time=g"],
        ["data.folds=3", "data.fold=0"],
        ["data.weight=g"],
        ["data.dates={g: [hour]}"],
        ["data.dates={g: {parts: [hour]}}"],
    ],
)  # fmt: skip
def test_what_needs_rows_at_once_is_refused_of_a_stream(words: list[str]) -> None:
    stream = ["data=parquet", "data.path=x.parquet", "data.target=y", "data.stream=true"]
    with pytest.raises(ConfigError, match=r"data.stream=true reads them in blocks"):
        prepared_data(*stream, *words)


@pytest.mark.parametrize(("classes", "rows", "folds"), [(8, 2, 8), (8, 7, 8), (3, 2, 5)])
def test_classes_with_fewer_rows_than_folds_are_spread(classes: int, rows: int, folds: int) -> None:
    """Where all classes are rarer than the folds, scikit-learn gives up."""
    of_rows = np.repeat(np.arange(classes), rows)
    found = every_fold(Told(of_rows), len(of_rows), folds)
    each_row_validates_once(found, len(of_rows))
    for one in found:
        assert {*of_rows[one["train"]].tolist()} == {*range(classes)}
        assert np.bincount(of_rows[one["validation"]]).max() <= -(-rows // folds)
