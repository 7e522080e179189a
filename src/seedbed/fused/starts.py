"""What the runs of a stack start from: each source read once, equal starts drawn once."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.fused.flat import Layout, Named
from seedbed.fused.rows import NotAlikeError
from seedbed.models.build import ModelBuilder
from seedbed.models.plain_state import first_difference, plain_state
from seedbed.models.state_walk import PlainState
from seedbed.training.pure import is_pure
from seedbed.training.run_components import RunComponents
from seedbed.training.starting_model import begin, start_for

if TYPE_CHECKING:
    from seedbed.training.starting_point import StartingPoint, Starts


def starting_points(configs: Sequence[RunConfig], starts: "Starts") -> "list[StartingPoint | None]":
    """What each run starts from, each source read once."""
    read: dict[Hashable, StartingPoint | None] = {}
    found = []
    for config in configs:
        key = config.identity if config.identity in starts else _source(config)
        if key not in read:
            read[key] = start_for(config, starts)
        found.append(read[key])
    return found


def _source(config: RunConfig) -> Hashable:
    """Equal for runs that start from the same weights in the same way."""
    init = config.init
    if init.source is None:
        return None
    return (init.run, init.weights, init.checkpoint, init.preprocessing, init.fingerprint)


def starting_weights(
    configs: Sequence[RunConfig],
    allow: AllowList,
    first: RunComponents,
    layout: Layout,
    points: "Sequence[StartingPoint | None]",
) -> tuple[Tensor, Named]:
    """Those of a single run of each config; runs of one seed and source start alike.

    Args:
        configs: of each run.
        allow: what they may name.
        first: the first run, built as a single one.
        layout: where each parameter lies in a row.
        points: what each run starts from.

    Shape:
        the weights (runs, width), the buffers each (runs, …)

    Raises:
        NotAlikeError: if a model holds something else that differs between seeds.
    """
    head = first.head
    shape = head.preprocessing.row_form
    builder = ModelBuilder(configs[0].model, allow, shape, head.outputs)
    keys = [_start_key(config) for config in configs]
    different = {key: at for at, key in reversed([*enumerate(keys)])}
    rows, kept = torch.empty(len(different), layout.width), []
    attributes: PlainState | None = None
    may_hold_more = not is_pure(first.model)
    for place, at in enumerate(different.values()):
        built = builder(configs[at].seed)
        begin(built, configs[at], allow, head, points[at])
        if may_hold_more:
            attributes = attributes or plain_state(built)
            _refuse_other_attributes(attributes, built)
        state = {**dict(built.named_parameters()), **dict(built.named_buffers())}
        rows[place] = layout.row({name: one.detach() for name, one in state.items()})
        kept.append([state[name].detach() for name in layout.kept])
    place_of = {key: place for place, key in enumerate(different)}
    which = torch.tensor([place_of[key] for key in keys])
    stacked = {
        name: torch.stack([one[at] for one in kept])[which] for at, name in enumerate(layout.kept)
    }
    return rows[which], stacked


def _start_key(config: RunConfig) -> Hashable:
    """Equal for runs that start alike."""
    init = config.init
    return (config.seed, _source(config), init.strict, tuple(init.reset))


def _refuse_other_attributes(first: PlainState, model: nn.Module) -> None:
    """A stack holds what is neither parameter nor buffer once, for all seeds.

    Raises:
        NotAlikeError: naming what differs.
    """
    path = first_difference(first, plain_state(model))
    if path is not None:
        raise NotAlikeError(f"'{path}' differs between seeds and is neither parameter nor buffer")
