"""All that training changes of one run, as its checkpoint has it; and back."""

from collections.abc import Mapping
from typing import Any, cast

from torch.amp import GradScaler

from seedbed.runs.checkpoint import Checkpoint, copied, random_state
from seedbed.training.averaging import Average
from seedbed.training.other_generators import others_state
from seedbed.training.run_components import RunComponents

TOLD_ANEW = ("format", "state", "events", "engine", "callbacks")
"""Keys of a checkpoint that are not the engine's."""


def copied_state(
    plan: RunComponents,
    weights: Mapping[str, Any],
    scaler: GradScaler,
    average: Average | None,
    into: Checkpoint,
) -> Checkpoint:
    """A copy of all that training changes.

    Args:
        plan: the parts of the run.
        weights: the `state_dict` of its model.
        scaler: of its gradients.
        average: of its weights.
        into: as in `checkpoint.copied`.
    """
    loss = plan.head.state
    others = others_state() if plan.packages else {}
    state: Checkpoint = {"loss": copied(loss, into.get("loss"))} if loss else {}
    if average is not None:
        state["average"] = copied(average.state_dict(), into.get("average"))
    return {
        **state,
        "model": copied(weights, into.get("model")),
        "optimizer": copied(plan.optimizer.state_dict(), into.get("optimizer")),
        "scheduler": copied(plan.schedule.state_dict()),
        "scaler": scaler.state_dict(),
        "random": {**random_state(plan.device), **others},
    }


def load_state(plan: RunComponents, scaler: GradScaler, snapshot: Checkpoint) -> None:
    """Puts back what a copy has of all but the model and its average."""
    plan.optimizer.load_state_dict(snapshot["optimizer"])
    plan.schedule.load_state_dict(snapshot["scheduler"])
    scaler.load_state_dict(snapshot["scaler"])
    if plan.head.state:
        plan.head.loss_function.load_state_dict(snapshot["loss"])


def of_engine(checkpoint: Checkpoint) -> Checkpoint:
    """What a checkpoint has of the engine; the rest is told anew."""
    own: Any = {key: value for key, value in checkpoint.items() if key not in TOLD_ANEW}
    return cast(Checkpoint, own)
