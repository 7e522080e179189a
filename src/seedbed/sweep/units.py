"""In which unit the numbers of a run are: what each depends on, beside the rows.

It goes by the config, so that it is known before a run, and of one that ended long ago.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from seedbed.config.metric_specs import metric_specs
from seedbed.config.own_code import DIRECTIONS, TARGET
from seedbed.config.target_keys import with_absent
from seedbed.tasks.metrics import METRICS, OF_LEVELS

STEP = "step"
"""Key of the config."""


@dataclass(frozen=True)
class Units:
    """Of a run; each text is equal for runs that have the same.

    Args:
        loss: what makes it, and how it weighs classes; begins with its class.
        scale: of the targets.
        metric_units: what those are made with that the config names, by name.
    """

    loss: str
    scale: str
    metric_units: Mapping[str, str]

    def of(self, column: str, *, classes: bool) -> str:
        """Of a number: equal where two can be compared; empty where any two can.

        Args:
            column: its name, such as `val/loss`.
            classes: whether the targets are classes, which are never scaled.
        """
        name = column.rpartition("/")[2]
        if name == "loss":
            return self.loss if classes else f"{self.loss} {self.scale}"
        if name in OF_LEVELS:
            return self.loss
        return "" if name in METRICS else self.metric_units.get(name, "")


def units_of(
    loss: Mapping[str, Any],
    weighed: Any,
    step: Mapping[str, Any],
    metrics: Sequence[Any] | None,
    *,
    standardize: bool,
) -> Units:
    """The units of a run's numbers.

    Args:
        loss: of its config.
        weighed: see `weighed_by`.
        step: of its config; one of the user's own makes the loss of the config's.
        metrics: of its config, checked.
        standardize: `data.standardize`.
    """
    made = f"{loss.get('_target_')} {_digest(with_absent(loss))}"
    made += "" if weighed is None else f"-{weighed}"
    if step.get(TARGET) is not None:
        made += f" {_digest({key: one for key, one in step.items() if key != DIRECTIONS})}"
    return Units(
        made,
        "standardized" if standardize else "own",
        {
            one.name: _digest([one.known_as, one.target, one.arguments])
            for one in metric_specs(metrics)
        },
    )


def makes_unit(key: str) -> bool:
    """Whether a key of the config is of those that `units_of` takes."""
    return makes_loss(key) or key in ("metrics", "data.standardize")


def makes_loss(key: str) -> bool:
    """Whether a key of the config says what the loss of a run is."""
    group, *below = key.split(".")
    return group == "loss" or (group == STEP and below[:1] != [DIRECTIONS])


def _digest(content: Any) -> str:
    text = json.dumps(_plain(content), sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()[:8]


def _plain(value: Any) -> Any:
    """The same of 1 and 1.0, which are one setting."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
