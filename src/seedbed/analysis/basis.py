"""By which metric runs can be compared, and which of its values is the better one."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seedbed.analysis.units import NOT_ONE_UNIT, differ_in_unit, units
from seedbed.catalog.record import RunRecord
from seedbed.catalog.values import BEST, setting_of
from seedbed.config.hints import did_you_mean, joined
from seedbed.errors import ArgumentError
from seedbed.runs.status import Status
from seedbed.sweep.outcome import JobState
from seedbed.sweep.yardstick import OWN_UNIT, Metric, Yardstick
from seedbed.tasks.metrics import METRICS, higher_is_better, is_undirected


@dataclass(frozen=True)
class ChosenMetric:
    """What runs are compared by.

    Args:
        name: of the metric; empty where no run has any.
        higher: whether higher is better.
        why: what is said of the choice; empty where it is what anybody expects.
    """

    name: str
    higher: bool
    why: str = ""

    @property
    def is_known(self) -> bool:
        """Whether its name tells the direction."""
        return is_known(self.name)


def is_known(metric: str) -> bool:
    """Whether it is a loss, or a metric that is registered in this process."""
    return metric.rpartition("/")[2] in (*METRICS, "loss", "")


def chosen_metric(
    records: Sequence[RunRecord], metric: str | None, better: str | None
) -> ChosenMetric:
    """The metric that was asked for, or the one of validation rows that the runs share.

    Args:
        records: to be compared.
        metric: its name; None to choose.
        better: `higher` or `lower`, of a metric that this process does not know.

    Raises:
        ArgumentError: if a run lacks it, or it is in another unit in some; with what to type.
    """
    done = [run for run in records if run.status == Status.COMPLETED]
    names = _names(records)
    if metric is None:
        chosen, why = _default(done, names)
    else:
        chosen, why = metric, ""
        _refuse_unknown(metric, names)
    _refuse_absent(done, chosen)
    if metric is not None and differ_in_unit(done, metric):
        raise ArgumentError(_not_one_unit(done, metric))
    if chosen.removeprefix(BEST).startswith("test/"):
        why = "the test rows chose the best here, and are no test of it any more"
    return ChosenMetric(chosen, _direction(chosen, better, done), why)


def measured(run: RunRecord, metric: str) -> float | None:
    """A metric of the end, or with `best.` in front of the best epoch; None where there is none.

    An integer that no float holds is infinite.
    """
    of_best = metric.startswith(BEST) and metric not in run.metrics
    value = run.best.get(metric.removeprefix(BEST)) if of_best else run.metrics.get(metric)
    try:
        return None if value is None else float(value)
    except OverflowError:
        return math.inf


def best_first(
    records: Iterable[RunRecord], chosen: ChosenMetric
) -> tuple[list[RunRecord], list[RunRecord]]:
    """The runs that completed with a value, the best first, and the others as they were.

    A run that diverged has the value of the weights that it kept: it is not ranked by that.
    """
    ranked: list[tuple[float, RunRecord]] = []
    others = []
    for run in records:
        value = measured(run, chosen.name) if run.status == Status.COMPLETED else None
        if value is None or math.isnan(value):
            others.append(run)
        else:
            ranked.append((value, run))
    ranked.sort(key=lambda one: one[0], reverse=chosen.higher)
    return [run for _, run in ranked], others


def _names(records: Iterable[RunRecord]) -> list[str]:
    """Of the metrics; those of the end first."""
    best = (f"{BEST}{name}" for run in records for name in run.best if name != "epoch")
    return list(dict.fromkeys([*(name for run in records for name in run.metrics), *best]))


def _default(done: Sequence[RunRecord], names: Sequence[str]) -> tuple[str, str]:
    """The metric of validation rows, by `trainer.monitor`, and why it is another one."""
    if not done:
        return next((name for name in ("val/loss", "train/loss") if name in names), ""), ""
    monitors = {str(setting_of(run, "trainer.monitor") or "auto") for run in done}
    if len(monitors) > 1:
        raise ArgumentError(
            f"trainer.monitor differs between the runs ({joined(sorted(monitors))}); "
            f"type --metric and one of {joined(_shared(done))}"
        )
    (monitor,) = monitors
    found = _yardsticks(done, monitor)
    if len({one.name for one in found}) > 1 or len({one.unit for one in found}) > 1:
        raise ArgumentError(_no_one_metric(done, {one.name for one in found}))
    one = found[0]
    if one.instead:
        unit = f"{OWN_UNIT}, " if "accuracy" not in one.name else ""
        return one.name, f"{unit}as {one.instead} is not in one unit in all runs"
    if one.name.startswith("train/"):
        reason = "there are no validation rows" if monitor == "auto" else "trainer.monitor says so"
        return one.name, f"as {reason}; what fits the training rows best need not predict best"
    return one.name, ""


def _yardsticks(done: Sequence[RunRecord], monitor: str) -> list[Metric]:
    """What each kind of run is compared by."""
    kinds = {(tuple(run.metrics), id(own)): own for run, own in zip(done, units(done), strict=True)}
    jobs = [
        JobState(0, [], "", "", metrics=dict.fromkeys(names, 0.0), **vars(own))
        for (names, _), own in kinds.items()
    ]
    yardstick = Yardstick(jobs, monitor)
    return [yardstick.metric(job) for job in jobs]


def _no_one_metric(done: Sequence[RunRecord], names: set[str]) -> str:
    if len(names) > 1:
        shared = _shared(done)
        what = f"the runs are not measured alike: some by {', some by '.join(sorted(names))}"
        if not shared:
            return f"{what}; they have no metric in common"
        return f"{what}; type --metric and one of {joined(shared)}"
    (name,) = names
    if name.startswith("val/"):
        return _not_one_unit(done, name)
    return (
        f"{name} {NOT_ONE_UNIT}, and there are no validation rows; "
        "train with data.split.validation=0.2, say"
    )


def _refuse_unknown(metric: str, names: Sequence[str]) -> None:
    if metric not in names:
        hint = did_you_mean(metric, names) or f"; there are {joined(names) or 'none'}"
        raise ArgumentError(f"--metric: no run has '{metric}'{hint}")


def _refuse_absent(done: Sequence[RunRecord], metric: str) -> None:
    lacking = [run.name for run in done if measured(run, metric) is None]
    if not lacking:
        return
    shared = _shared(done)
    hint = f"type --metric and one of {joined(shared)}" if shared else "they share no metric"
    raise ArgumentError(
        f"{metric} is not in {len(lacking)} of {len(done)} completed runs, such as "
        f"'{lacking[0]}'; {hint}"
    )


def _not_one_unit(done: Sequence[RunRecord], metric: str) -> str:
    others = [name for name in _shared(done) if not differ_in_unit(done, name)]
    hint = f"; type --metric and one of {joined(others)}" if others else ""
    return f"{metric} {NOT_ONE_UNIT}{hint}"


def _shared(done: Sequence[RunRecord]) -> list[str]:
    names = _names(done)
    return [name for name in names if all(measured(run, name) is not None for run in done)]


def _direction(metric: str, better: str | None, done: Sequence[RunRecord]) -> bool:
    if is_undirected(metric):
        raise ArgumentError(
            f"--metric: {metric} is no better when it is higher, nor when it is lower; runs are "
            "not ranked by it"
        )
    if is_known(metric):
        told, source = {higher_is_better(metric)}, ""
    else:
        name = metric.rpartition("/")[2]
        told = {one for run in done if (one := run.higher_is_better.get(name)) is not None}
        source = ", as its runs tell"
    if better is None:
        if len(told) == 1:
            return told == {True}
        which = "the runs do not agree" if told else "a run does not tell"
        raise ArgumentError(
            f"'{metric}' is a metric of your own, and {which} whether it is better "
            "when it is higher; type --better higher or --better lower"
        )
    if told == {better != "higher"}:
        said = "lower" if better == "higher" else "higher"
        raise ArgumentError(f"--better: {metric} is better when it is {said}{source}; leave it out")
    return better == "higher"
