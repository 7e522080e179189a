"""What a confirmation says: the settings then and now, the verdict, and the best on test rows."""

from collections.abc import Iterator

from seedbed.analysis.runs_compared import RunsCompared
from seedbed.analysis.sentences import label_text, verdict_sentence
from seedbed.api.confirmed import OnTest, chosen_at, on_test
from seedbed.api.confirming import Plan
from seedbed.cli.setting_columns import fitted, interval_text, ranks, std_text
from seedbed.config.hints import counted
from seedbed.runs.files import printable
from seedbed.views.run_text import cell_text
from seedbed.views.text_table import Column

NEEDED = 3
"""Columns behind the keys that are there in any case: what it was chosen at, n, the mean."""


def notes_on(plan: Plan, top: int) -> Iterator[str]:
    """What is said before anything is trained."""
    metric = plan.before.metric
    if metric.why:
        yield f"{metric.name}: {metric.why}"
    if plan.test and plan.seed_draws_test:
        yield (
            "the seed draws the test rows too, and some of them have chosen the settings as "
            "validation rows; a sweep with data.split.seed=0 keeps them apart"
        )
    if len(plan.chosen) < top:
        number = counted(len(plan.chosen), "setting")
        yield f"all of the sweep that have a value are trained: {number}"
    for one in plan.chosen:
        if one.lost:
            label = label_text(plan.before.labels[one.setting])
            yield f"{label} lost {one.lost} of {len(one.trials)} runs in the sweep"


def confirmation_text(plan: Plan, after: RunsCompared) -> str:
    """The table, the verdict and the test.

    Args:
        plan: that was trained.
        after: what came out.
    """
    metric = plan.before.metric
    assert after.settings is not None  # over seeds they are always ranked
    settings = after.settings.settings
    seeds = f"{len(plan.seeds)} fresh seeds ({plan.seeds[0]} to {plan.seeds[-1]})"
    direction = "higher" if metric.higher else "lower"
    title = f"{len(settings)} of the best settings on {seeds}, by {printable(metric.name)}"
    said = verdict_sentence(after.settings, after.labels, metric.name)
    parts = [
        f"{title} ({direction} is better):",
        *_table(plan, after),
        *([said] if said else []),
        *([_test_line(on_test(plan, after))] if plan.test else []),
    ]
    return "\n".join(parts)


def _table(plan: Plan, after: RunsCompared) -> list[str]:
    assert after.settings is not None
    settings = after.settings.settings
    numbers: list[Column] = [
        ("chosen at", [*map(cell_text, chosen_at(plan, after))]),
        ("n", [str(one.n) for one in settings]),
        ("mean", [cell_text(one.mean) for one in settings]),
        ("± std", [std_text(one.std) for one in settings]),
        ("95 % interval", [interval_text(one.interval) for one in settings]),
    ]
    labels = [after.labels[one.setting] for one in settings]
    return fitted(labels, [ranks(len(settings))], numbers, needed=NEEDED)


def _test_line(tested: OnTest) -> str:
    """The best setting on the test rows."""
    label = label_text(tested.settings) or "the setting"
    if tested.mean is None:
        return f"{tested.metric}: no run of {label} has a value"
    between = f", 95 % interval {interval_text(tested.interval)}" if tested.interval else ""
    spread = "" if tested.std is None else f" ± {tested.std:.3g}"
    rest = f", {counted(tested.without_value, 'run')} without" if tested.without_value else ""
    seeds = counted(tested.n, "seed")
    return f"{tested.metric} of {label}: {tested.mean:.5g}{spread} over {seeds}{between}{rest}"
