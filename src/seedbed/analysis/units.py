"""In which units the numbers of runs are, as their configs tell; see `sweep/units.py`."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from seedbed.analysis.rows import differing
from seedbed.catalog.record import RunRecord
from seedbed.catalog.values import cells_of, identities, settings_of
from seedbed.config.metric_specs import problems_of_any
from seedbed.config.target_keys import BALANCED, CLASS_WEIGHTS, POS_WEIGHT
from seedbed.sweep.units import STEP, Units, makes_unit, units_of
from seedbed.sweep.yardstick import weighed_by

NOT_ONE_UNIT = (
    "is not in one unit, as loss, step, metrics or data.standardize differs between the runs"
)

BY_ROWS = (CLASS_WEIGHTS, POS_WEIGHT)
"""Keys of losses that the training rows may decide."""


def differ_in_unit(records: Sequence[RunRecord], metric: str) -> bool:
    """Whether the values of a metric are in different units."""
    classes = any("val/accuracy" in run.metrics for run in records)
    return len({one.of(metric, classes=classes) for one in units(records)}) > 1


def units(records: Sequence[RunRecord]) -> list[Units]:
    """Those of each run; runs with the same settings share theirs."""
    decide = differing(records, makes_unit)
    kinds = zip(cells_of(records, decide), identities(_weighed_by(records)), strict=True)
    known: dict[Hashable, Units] = {}
    found = []
    for run, kind in zip(records, kinds, strict=True):
        if kind not in known:
            known[kind] = _units_of(run.settings, kind[1])
        found.append(known[kind])
    return found


def _units_of(settings: Mapping[str, Any], weighed: Hashable) -> Units:
    """The config may be a stranger's."""
    loss, step = (
        {key[len(group) + 1 :]: one for key, one in settings.items() if key.startswith(f"{group}.")}
        for group in ("loss", STEP)
    )
    metrics = settings.get("metrics")
    return units_of(
        loss,
        weighed,
        step,
        None if problems_of_any(metrics) else metrics,
        standardize=bool(settings.get("data.standardize")),
    )


def _weighed_by(records: Sequence[RunRecord]) -> list[Any]:
    """Of each run, the seed that its loss weighs classes by; see `weighed_by`."""
    balanced = {f"loss.{key}": settings_of(records, f"loss.{key}") for key in BY_ROWS}
    if not any(BALANCED in values for values in balanced.values()):
        return [None] * len(records)
    return [_weighed_by_of(run.settings) for run in records]


def _weighed_by_of(settings: Mapping[str, Any]) -> Any:
    loss, split, data = (
        {key: settings.get(f"{group}.{key}") for key in keys}
        for group, keys in (
            ("loss", BY_ROWS),
            ("data.split", ("validation", "test", "seed")),
            ("data", ("validation_path", "test_path")),
        )
    )
    return weighed_by(loss, split, data, settings.get("seed"))
