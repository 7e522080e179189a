"""Which settings tell runs apart: nothing that is the same in all, nothing that follows.

A key is left out where it is an interpolation of others, where the option that was chosen of its
config group decides it, and where it says how runs were made or kept, not what they are.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from seedbed.catalog.record import RunRecord
from seedbed.catalog.values import cells_of, decide, differ, setting_names, settings_of
from seedbed.config.metric_specs import metric_specs, problems_of_any

METRICS = "metrics"
"""Key of the config."""

BESIDES = (
    "name", "data.name", "allow", METRICS, "sweep", "trainer.threads", "trainer.log_",
    "trainer.checkpoint_every", "loader.persistent_workers", "loader.prefetch_factor",
    "loader.pin_memory",
)  # fmt: skip
"""Keys, and beginnings of keys, that change no number of a run: its folder's name, the permission
to import, what is measured beside the loss, how a sweep goes about it, what is logged and saved.
The metric that is monitored is no such key, as it chooses the epoch."""

NAMED_BY = {"init.fingerprint": ["init.run", "init.weights", "init.checkpoint"]}
"""Fingerprints, by the keys that name what they are of."""


def differing_keys(runs: Sequence[RunRecord]) -> list[str]:
    """Keys of the config, and config groups, that do not have one value in all of the runs.

    Those that differ within a sweep come first, as they were swept; each half keeps the order of
    the config, groups in front.

    Args:
        runs: to be told apart; only those with settings count.
    """
    runs = [run for run in runs if run.settings]
    keys = [key for key in setting_names(runs) if _differs(runs, key)]
    following = _following(runs, keys)
    keys = [key for key in keys if key not in following]
    keys = [key for key in keys if not _is_beside(key) or (key == METRICS and _choose(runs))]
    decided = {key for key in keys if _is_decided(runs, key, keys) or _is_named(runs, key)}
    keys = [key for key in keys if key not in decided]
    swept = swept_keys(runs, keys)
    return [*(key for key in keys if key in swept), *(key for key in keys if key not in swept)]


def swept_keys(runs: Iterable[RunRecord], keys: Iterable[str]) -> set[str]:
    """Those of the keys that differ between runs of one sweep."""
    jobs = sorted((run for run in runs if run.sweep), key=lambda run: str(run.sweep))
    sweeps = [list(group) for _, group in groupby(jobs, key=lambda run: run.sweep)]
    return {key for key in keys if any(_differs(sweep, key) for sweep in sweeps)}


def _differs(runs: Sequence[RunRecord], key: str) -> bool:
    return differ(settings_of(runs, key))


def _following(runs: Sequence[RunRecord], keys: Iterable[str]) -> set[str]:
    """Keys that are interpolations in every run that has them."""
    having = {key: [run for run in runs if key in run.settings] for key in keys}
    return {key for key, some in having.items() if some and all(key in run.follows for run in some)}


def _is_beside(key: str) -> bool:
    return any(
        key == one or key.startswith(f"{one}." if one[-1] != "_" else one) for one in BESIDES
    )


def _choose(runs: Sequence[RunRecord]) -> bool:
    """Whether the metric that is monitored is another one in some of the runs."""
    monitored = zip(settings_of(runs, "trainer.monitor"), settings_of(runs, METRICS), strict=True)
    return differ([_spec_of(str(monitor), entries) for monitor, entries in monitored])


def _spec_of(monitor: str, entries: Any) -> Any:
    """What the entries of a config, which may be a stranger's, say of the monitored metric."""
    if not entries or problems_of_any(entries):
        return []
    own = [one for one in metric_specs(entries) if one.name == monitor.rpartition("/")[2]]
    return [[one.known_as, one.target, one.arguments, one.higher_is_better] for one in own]


def _is_named(runs: Sequence[RunRecord], key: str) -> bool:
    """Whether the key is the fingerprint of a file, and equal for all runs that name the file."""
    return key in NAMED_BY and decide(cells_of(runs, NAMED_BY[key]), cells_of(runs, [key]))


def _is_decided(runs: Sequence[RunRecord], key: str, keys: Iterable[str]) -> bool:
    """Whether all runs with the same option of the key's group have the same value."""
    group = key.partition(".")[0]
    if group == key or group not in keys:
        return False
    return decide([run.choices.get(group) for run in runs], cells_of(runs, [key]))
