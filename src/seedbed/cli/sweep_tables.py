"""The tables of a sweep: the best jobs, and the settings over their seeds."""

from collections.abc import Sequence

from seedbed.analysis.folds import FOLD
from seedbed.analysis.job_values import setting_text
from seedbed.analysis.jobs_over_seeds import OverSeeds, Settings, over_seeds
from seedbed.analysis.jobs_ranked import Ranked, Ranking, ranked
from seedbed.analysis.settings import SEED
from seedbed.cli.setting_columns import LONGEST_SETTING, ranks, width
from seedbed.config.hints import joined
from seedbed.sweep.outcome import JobState
from seedbed.sweep.units import makes_loss
from seedbed.sweep.yardstick import OWN_UNIT
from seedbed.views.run_text import cell_text
from seedbed.views.text_table import Column, cut, fitted, lines

ROWS = 10
"""Of a table; all jobs are in `results.csv`."""

REPEATED = ((SEED, "seed"), (FOLD, "fold"))
"""Keys whose values are repetitions of a setting, and what they are called."""

MOST_FAMILIES = 3
"""Tables of settings; one for each set of seeds, where those have rows of their own."""


def tables(jobs: Sequence[JobState], monitor: str) -> str:
    """The tables of a sweep; empty if fewer than two jobs have a value.

    Args:
        jobs: all of them, with their metrics.
        monitor: `trainer.monitor`.
    """
    ranking = ranked(jobs, monitor)
    if len(ranking.jobs) < 2:
        return ""
    parts = [_best_jobs(ranking) if len(ranking.groups) == 1 else _best_of_each(ranking)]
    for at, family in enumerate(over_seeds(ranking)[:MOST_FAMILIES]):
        parts.append(_over_seeds(family, ranking, first=at == 0))
    return "\n".join(parts)


def best_folder(jobs: Sequence[JobState], monitor: str) -> str | None:
    """The folder of the best job; None if not all can be compared, or there is only one."""
    groups = ranked(jobs, monitor).groups
    return groups[0][0].job.directory if len(groups) == 1 and len(groups[0]) > 1 else None


def _best_jobs(ranking: Ranking) -> str:
    (group,) = ranking.groups
    shown = group[:ROWS]
    which = f"the best {ROWS} of {len(group)} jobs" if len(group) > ROWS else f"{len(group)} jobs"
    title = f"{which} by {ranking.metric}{_why(ranking)}{_left_out(ranking)}:"
    values = ranking.metric, [cell_text(one.value) for one in shown]
    return f"{title}\n{_jobs_table(ranking, shown, [ranks(len(shown))], [values], ranking.keys)}"


def _best_of_each(ranking: Ranking) -> str:
    """For jobs that cannot all be compared: of those that can, the best one."""
    groups = ranking.groups[:ROWS]
    firsts = [group[0] for group in groups]
    telling = [key for key in ranking.keys if _tells(key, ranking.groups)]
    keys = [*telling, *(key for key in ranking.keys if key not in telling)]
    counts = "of", [str(len(group)) for group in groups]
    values = ranking.metric, [cell_text(one.value) for one in firsts]
    if ranking.differ_in_unit:
        names = [one.metric.name for one in firsts]
        values = "best by", [" ".join(pair) for pair in zip(names, values[1], strict=True)]
    alone = all(len(group) == 1 for group in ranking.groups)
    columns = [values] if alone else [counts, values]
    more = f" (the first {ROWS} of {len(ranking.groups)})" if len(ranking.groups) > ROWS else ""
    title = f"{_not_comparable(ranking, telling, alone=alone)}{_why(ranking)}{more}"
    table = _jobs_table(ranking, firsts, [], columns, keys)
    return f"{title}{_left_out(ranking)}:\n{table}{_same_rows_hint(ranking)}"


def _not_comparable(ranking: Ranking, telling: Sequence[str], *, alone: bool) -> str:
    """Why there is no best job of all."""
    number_of = len(ranking.jobs)
    if ranking.differ_in_rows:
        too = ", and in different units" if ranking.differ_in_unit else ""
        what = f"are measured on rows of their own{too}"
    elif ranking.metric.startswith("train/"):
        what = "have losses in different units, and no validation rows to compare them by"
    else:
        names = dict.fromkeys(one.metric.name for one in ranking.jobs)
        what = f"have {joined(names)} in different units"
    by = f" ({', '.join(telling)})" if telling else ""
    rest = "not ranked" if alone else "ranked only with their like; the best of each"
    metric = "" if alone or ranking.differ_in_unit else f" by {ranking.metric}"
    return f"{number_of} jobs {what}{by}, {rest}{metric}"


def _same_rows_hint(ranking: Ranking) -> str:
    if not ranking.differ_in_rows and ranking.metric.startswith("train/"):
        return "\ntype data.split.validation=0.2, say, to compare all of them"
    if SEED in ranking.keys and _tells(SEED, ranking.groups):
        return "\nthe seed draws the split; data.split.seed=0, say, gives every seed the same rows"
    return ""


def _tells(key: str, groups: Sequence[Sequence[Ranked]]) -> bool:
    """Whether a setting is one thing within each group, and differs between groups."""
    values = [{one.settings[key] for one in group} for group in groups]
    return all(len(one) == 1 for one in values) and len(set.union(*values)) > 1


def _why(ranking: Ranking) -> str:
    """What is said where the metric is not what was asked for."""
    if not ranking.instead:
        return ""
    keys = [key for key in ranking.keys if makes_loss(key) or "standardize" in key]
    differing = " and ".join(keys) or "loss or target scale"
    unit = "" if "accuracy" in ranking.metric else f" {OWN_UNIT},"
    return f",{unit} as {ranking.instead} cannot compare jobs whose {differing} differ"


def _left_out(ranking: Ranking) -> str:
    told = ", ".join(f"{count} {why}" for why, count in ranking.left_out.items())
    return f" (left out: {told})" if told else ""


def _jobs_table(
    ranking: Ranking,
    shown: Sequence[Ranked],
    before: Sequence[Column],
    after: Sequence[Column],
    keys: Sequence[str],
) -> str:
    """Jobs with their folders whole; settings as far as there is room, as they are in the names."""
    folders = "folder", [one.job.directory for one in shown]
    settings = _setting_columns(keys, shown)
    titles = {title for title, _ in after}
    others = [
        (name, [_or_nothing((one.job.metrics or {}).get(name)) for one in shown])
        for name in ranking.others
        if name not in titles
    ]
    columns, _ = fitted([*before, folders], settings, after, others, width())
    return "\n".join(lines(columns))


def _or_nothing(value: float | None) -> str:
    return "" if value is None else cell_text(value)


def _over_seeds(family: Settings, ranking: Ranking, *, first: bool) -> str:
    seeds = family.found
    which = f"the best {ROWS} of {len(seeds)} settings; " if len(seeds) > ROWS else ""
    repeated = [f"{word}s" for key, word in REPEATED if key in ranking.keys]
    over = " and ".join(repeated)
    said = f"{which}{family.metric} over {over}, with the standard deviation of the sample"
    if SEED in ranking.keys and _tells(SEED, ranking.groups):
        said += ", that of the split with it; settings with the same seeds are compared"
    if not first:
        unit = "in another unit or " if ranking.differ_in_unit else ""
        said = f"others, {unit}with rows that those have not: {said}"
    return f"{said}:\n{_seeds_table(seeds[:ROWS], alone=len(seeds) == 1)}"


def _seeds_table(seeds: Sequence[OverSeeds], *, alone: bool) -> str:
    settings = _setting_columns(list(seeds[0].settings), seeds)
    numbers = [
        ("mean", [cell_text(one.mean) for one in seeds]),
        ("± std", ["" if one.std is None else f"± {one.std:.3g}" for one in seeds]),
        ("n", [str(one.n) for one in seeds]),
    ]
    if any(one.lost for one in seeds):
        numbers.append(("lost", [str(one.lost) for one in seeds]))
    front = [("rank", ["-"])] if alone else [ranks(len(seeds))]
    columns, _ = fitted(front, settings, numbers, (), width())
    return "\n".join(lines(columns))


def _setting_columns(keys: Sequence[str], rows: Sequence[Ranked | OverSeeds]) -> list[Column]:
    return [
        (key, [cut(setting_text(row.settings[key]), LONGEST_SETTING) for row in rows])
        for key in keys
    ]
