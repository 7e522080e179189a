"""Models with the start that a config asks for; what that takes is imported where one asks."""

from functools import partial
from typing import TYPE_CHECKING

from torch import nn

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.models.build import build_model
from seedbed.tasks.head import TaskHead

if TYPE_CHECKING:
    from seedbed.training.starting_point import StartingPoint, Starts

NO_STARTS: "Starts" = {}


def start_for(config: RunConfig, starts: "Starts" = NO_STARTS) -> "StartingPoint | None":
    """What a run starts from; None for a start that its seed draws.

    Args:
        config: of the run.
        starts: of runs that go on, see `Starts`.

    Raises:
        CheckpointError, RunDirectoryError: see `starting_point`.
    """
    if config.init.source is None:
        return None
    from seedbed.training.starting_point import starting_point

    known = starts.get(config.identity) if starts else None
    return known or starting_point(config.init)


def fresh_model(
    config: RunConfig, allow: AllowList, head: TaskHead, *, more_outputs: int = 0
) -> nn.Module:
    """The model of a run as its seed draws it, on the CPU.

    Raises:
        ModelError, NotAllowedError: see `build_model`.
    """
    outputs = head.outputs + more_outputs
    return build_model(config.model, allow, head.preprocessing.row_form, outputs, config.seed)


def begin(
    model: nn.Module,
    config: RunConfig,
    allow: AllowList,
    head: TaskHead,
    start: "StartingPoint | None",
) -> list[str]:
    """Gives a model that was just built its start; see `started`.

    Raises:
        ConfigError, ModelError: see there.
    """
    if start is None and not config.init.freeze:
        return []
    from seedbed.training.starting_point import started

    larger = partial(fresh_model, config, allow, head, more_outputs=1)
    return started(model, config, head.preprocessing, start, larger)


def prepared_by(config: RunConfig, start: "StartingPoint | None") -> tuple[object, ...]:
    """Equal for runs that take over the preprocessing of one run, and those that take none."""
    if start is None or start.taken is None:
        return ()
    return (config.init.run, config.init.fingerprint)
