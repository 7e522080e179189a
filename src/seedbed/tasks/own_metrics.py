"""Metrics that are functions or classes of the user's own, which a config names by `_target_`."""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from torch import Tensor

from seedbed.components import AllowList
from seedbed.config.metric_specs import MetricSpec
from seedbed.data.preprocessing import Preprocessing
from seedbed.errors import NotAllowedError
from seedbed.signatures import name_of, refuse_turned
from seedbed.tasks.metrics import Metric
from seedbed.tasks.one_run_metrics import FunctionOfRows, UpdatedByRows, by_itself

GIVEN = ("the predictions", "the targets")


def own_metric(spec: MetricSpec, allow: AllowList, preprocessing: Preprocessing) -> Metric:
    """A function of predictions and targets, or a class with `update` and `compute`.

    Args:
        spec: with a target.
        allow: what it may name.
        preprocessing: of the data.

    Raises:
        NotAllowedError: if it is not allowed, cannot be built or called, or says a direction that
            is none.
    """
    found = allow.find_part(spec.target, spec.where)
    form = given_form(preprocessing)
    content = {"_target_": spec.target, **spec.arguments}
    if not isinstance(found, type):
        if hasattr(found, "update") and hasattr(found, "compute"):
            raise NotAllowedError(
                f"{spec.where}: '{spec.target}' is made already, and runs would share it; name its "
                "class"
            )
        function = allow.bound(content, spec.where, GIVEN)
        compute = FunctionOfRows(spec.name, function, form, found)
        return Metric(spec.name, _direction(spec, found), compute)
    with by_itself():
        first = allow.build(content, spec.where)
    higher = _direction(spec, first)
    make = partial(_made, allow, content, spec.where)
    called = getattr(first, "update", getattr(first, "forward", first))
    refuse_turned(called, found.__name__, spec.where, GIVEN)
    if callable(getattr(first, "update", None)) and callable(getattr(first, "compute", None)):
        updated = UpdatedByRows(spec.name, make, form, found)
        return Metric(spec.name, higher, updated, updated.pieces, keeps_rows=keeps_rows(first))
    if not callable(first):
        raise NotAllowedError(
            f"{spec.where}: {name_of(found)} has neither update and compute, nor __call__, so that "
            "nothing can be measured by it"
        )
    compute = FunctionOfRows(spec.name, lambda *rows: make()(*rows), form, found)
    return Metric(spec.name, higher, compute)


def given_form(preprocessing: Preprocessing) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """What a metric of one's own is given of a run; copies.

    Probabilities (rows, classes) in float32 and class numbers (rows,), or real values (rows,
    outputs) in float64, twice; of one output (rows,).
    """
    if preprocessing.classes:
        return lambda predictions, targets: (predictions.float().clone(), targets.clone())

    def real_values(predictions: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        alone = predictions.shape[1:] == targets.shape[1:] == (1,)
        pair = predictions.clone(), targets.clone()
        return (pair[0][:, 0], pair[1][:, 0]) if alone else pair

    return real_values


def keeps_rows(metric: object) -> bool:
    """Whether a metric of torchmetrics's kind keeps a list of what it saw; others add up."""
    states = getattr(metric, "_defaults", None)
    return isinstance(states, Mapping) and any(isinstance(one, list) for one in states.values())


def _made(allow: AllowList, content: Mapping[str, Any], where: str) -> Any:
    made = allow.build(content, where)
    torchmetrics = sys.modules.get("torchmetrics")
    if torchmetrics is not None and isinstance(made, torchmetrics.Metric):
        # On ranks the first one alone measures; waiting for the others would last for ever.
        made.sync_on_compute = made._to_sync = False
    return made


def _direction(spec: MetricSpec, part: object) -> bool | None:
    """As the entry says, else as the attribute of the function or the object does."""
    if spec.higher_is_better is not None:
        return spec.higher_is_better
    own = getattr(part, "higher_is_better", None)
    if not isinstance(own, bool | None):
        raise NotAllowedError(
            f"{spec.where}: higher_is_better of {spec.target} must be True, False or None, got "
            f"{own!r}"[:200]
        )
    return own
