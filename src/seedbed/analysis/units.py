"""In which unit the losses of runs are: that of the loss, and of the target as it was scaled."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from seedbed.analysis.rows import differing
from seedbed.catalog.record import RunRecord
from seedbed.catalog.values import cells_of, identities, settings_of
from seedbed.config.own_code import DIRECTIONS, TARGET
from seedbed.config.target_keys import BALANCED, CLASS_WEIGHTS, POS_WEIGHT, with_absent
from seedbed.sweep.yardstick import STEP, weighed_by

NOT_ONE_UNIT = "is not in one unit, as loss, step or data.standardize differs between the runs"


BY_ROWS = (CLASS_WEIGHTS, POS_WEIGHT)
"""Keys of losses that the training rows may decide."""


def differ_in_unit(records: Sequence[RunRecord], metric: str) -> bool:
    """Whether a metric is a loss whose values are in different units."""
    if not metric.endswith("/loss"):
        return False
    classes = any("val/accuracy" in run.metrics for run in records)  # they are never scaled
    return len(set(losses(records))) > 1 or (not classes and len(set(scales(records))) > 1)


def losses(records: Sequence[RunRecord]) -> list[str]:
    """Equal for runs with the same loss; begins with its class, as `Yardstick` asks.

    A step of the user's own makes a loss of its own.
    """
    decide = differing(records, makes_loss)
    kinds = zip(cells_of(records, decide), identities(_weighed_by(records)), strict=True)
    texts: dict[Hashable, str] = {}
    found = []
    for run, kind in zip(records, kinds, strict=True):
        if kind not in texts:
            texts[kind] = f"{_loss_text(run)} {kind[1]}"
        found.append(texts[kind])
    return found


def makes_loss(key: str) -> bool:
    """Whether a key of the config says what the loss of a run is."""
    group, *below = key.split(".")
    return group == "loss" or (group == STEP and below[:1] != [DIRECTIONS])


def _loss_text(run: RunRecord) -> str:
    """The keys of a run's loss, with those that its program did not have yet; and of its step."""
    own = {key[5:]: one for key, one in run.settings.items() if key.startswith("loss.")}
    told = f"{own.get('_target_')} {sorted(with_absent(own).items(), key=lambda one: one[0])}"
    step = {key: one for key, one in run.settings.items() if key.startswith(f"{STEP}.")}
    if step.get(f"{STEP}.{TARGET}") is None:
        return told
    return f"{told} {sorted((key, str(one)) for key, one in step.items() if makes_loss(key))}"


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


def scales(records: Sequence[RunRecord]) -> list[str]:
    """Equal for runs whose targets were scaled alike."""
    return ["standardized" if run.settings.get("data.standardize") else "own" for run in records]
