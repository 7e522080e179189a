"""Says where a model, a loss or an optimizer of the user's keeps what no checkpoint holds."""

from collections.abc import Callable

from seedbed.models.plain_state import (
    PlainState,
    first_difference,
    unsaved_of_optimizer,
    unsaved_state,
)
from seedbed.training.plan import Plan

FOREIGN = ("seedbed.", "torch.")
"""Packages whose losses and optimizers keep nothing for themselves."""

BEGIN, BEGINS = "begin with it as it was built", "begins with it as it was built"
BUFFER = "register_buffer keeps a tensor"


class Unsaved:
    """What a run keeps beside its checkpoints, as it is before training.

    Args:
        plan: of the run; nothing is looked at in the models that come with Seedbed, nor in
            torch's losses and optimizers.
    """

    def __init__(self, plan: Plan) -> None:
        model, optimizer = plan.model, plan.engine.optimizer
        loss = plan.engine.objective.loss_function
        self.kept: list[tuple[str, str, Callable[[], PlainState]]] = []
        if not type(model).__module__.startswith("seedbed."):
            after = (
                "resume and predict begin with it as it was built; register_buffer keeps a tensor"
            )
            self.kept.append(("model", after, lambda: unsaved_state(model)))
        if not type(loss).__module__.startswith(FOREIGN):
            after = f"resume {BEGINS}; {BUFFER}"
            self.kept.append(("loss", after, lambda: unsaved_state(loss)))
        if not type(optimizer).__module__.startswith(FOREIGN):
            after = f"resume {BEGINS}; `state` and `param_groups` are kept"
            self.kept.append(("optimizer", after, lambda: unsaved_of_optimizer(optimizer)))
        self.before = [_looked_at(now) for _, _, now in self.kept]

    def notes(self) -> list[str]:
        """What has changed since; predictions and resumed runs would begin with it anew."""
        found = []
        for (what, after, now), before in zip(self.kept, self.before, strict=True):
            path = first_difference(before, _looked_at(now))
            if path is not None:
                changed = f"the {what}'s '{path}' changed in training"
                found.append(f"{changed}, and no checkpoint holds it: {after}")
        return found


def _looked_at(now: Callable[[], PlainState]) -> PlainState:
    try:
        return now()
    except Exception:  # of any kind: what it holds is the user's
        return {}
