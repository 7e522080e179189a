"""The keys of a table are those that tell its runs apart."""

from pathlib import Path

from seedbed.catalog.differing import differing_keys, swept_keys
from seedbed.catalog.record import RunRecord


def run(sweep: str | None = None, follows: tuple[str, ...] = (), choices=None, **settings):
    named = {key.replace("__", "."): value for key, value in settings.items()}
    where = Path(sweep) if sweep else None
    return RunRecord(
        Path("r"), "r", "completed", where, settings=named, choices=choices or {},
        follows=frozenset(follows),
    )  # fmt: skip


def test_constant_keys_are_left_out() -> None:
    assert differing_keys([run(a=1, b=2), run(a=1, b=3)]) == ["b"]


def test_a_key_that_one_run_has_not_differs() -> None:
    assert differing_keys([run(a=1), run(a=1, b=3)]) == ["b"]


def test_one_and_one_point_nought_are_the_same_and_true_is_not() -> None:
    assert differing_keys([run(a=1, b=1), run(a=1.0, b=True)]) == ["b"]
    assert differing_keys([run(a=float("nan")), run(a=float("nan"))]) == []


def test_interpolations_follow_unless_a_run_has_a_value_of_its_own() -> None:
    follows = ("model__hidden".replace("__", "."),)
    one, two = (
        run(follows=follows, preset__hidden=1, model__hidden=1),
        run(follows=follows, preset__hidden=2, model__hidden=2),
    )
    assert differing_keys([one, two]) == ["preset.hidden"]
    own = run(preset__hidden=1, model__hidden=5)
    assert differing_keys([one, own]) == ["model.hidden"]


def test_what_an_option_brings_is_told_by_the_option() -> None:
    sgd, adam = {"optimizer": "sgd"}, {"optimizer": "adam"}
    runs = [
        run(choices=sgd, optimizer__lr=0.1, optimizer__momentum=0.0),
        run(choices=sgd, optimizer__lr=0.2, optimizer__momentum=0.0),
        run(choices=adam, optimizer__lr=0.1, optimizer__eps=1e-8),
    ]
    assert differing_keys(runs) == ["optimizer", "optimizer.lr"]


def test_metrics_tell_runs_apart_where_the_monitored_one_is_another() -> None:
    def keys(monitor: str, *entries: list) -> list[str]:
        return differing_keys([run(trainer__monitor=monitor, metrics=one) for one in entries])

    one, other = [{"FBetaScore": {"beta": 1}}], [{"FBetaScore": {"beta": 4}}, "Recall"]
    assert keys("val/FBetaScore", one, other) == ["metrics"]
    assert keys("val/FBetaScore", one, [*one, "Recall"]) == []
    assert keys("val/loss", one, other) == keys("auto", one, None) == []
    assert keys("val/FBetaScore", one, [{"a": 1, "b": 2}]) == ["metrics"]  # a stranger's


def test_swept_keys_come_first() -> None:
    runs = [run("s", a=1, b=1), run("s", a=1, b=2), run(a=2, b=1)]
    assert differing_keys(runs) == ["b", "a"]
    assert swept_keys(runs, ["a", "b"]) == {"b"}


def test_how_runs_were_made_and_kept_is_no_difference() -> None:
    one = run(name="x", sweep__workers=1, trainer__log_every=1, allow=[])
    two = run(name="y", sweep__workers=2, trainer__log_every=2, allow=["a"])
    assert differing_keys([one, two]) == []


def test_no_runs_differ_in_nothing() -> None:
    assert differing_keys([]) == []
