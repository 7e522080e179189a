"""Schedules that are made of others: one after the other (`sequence`), or all at once (`chain`)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    ChainedScheduler,
    LRScheduler,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
)

from seedbed.components import AllowList
from seedbed.config.fitting import as_typed
from seedbed.config.hints import counted
from seedbed.errors import NotAllowedError

JOINED = (SequentialLR, ChainedScheduler)

TORCHS = "torch.optim.lr_scheduler"

BY_THEMSELVES = {
    ReduceLROnPlateau: "looks at a metric",
    OneCycleLR: "is as long as the run",
    SequentialLR: "holds others itself",
    ChainedScheduler: "holds others itself",
}
"""Schedules that go with no others, and why."""


def part_of(written: Any, where: str) -> tuple[str, dict[str, Any]]:
    """The class and the arguments of `StepLR`, `{StepLR: {step_size: 3}}` or a `_target_`.

    Raises:
        NotAllowedError: if it is of no such form.
    """
    if isinstance(written, Mapping) and "_target_" in written:
        arguments = {key: value for key, value in written.items() if key != "_target_"}
        return str(written["_target_"]), arguments
    if isinstance(written, str):
        written = {written: {}}
    if isinstance(written, Mapping) and len(written) == 1:
        ((name, arguments),) = written.items()
        if isinstance(arguments, Mapping):
            name = str(name)
            return name if "." in name else f"{TORCHS}.{name}", dict(arguments)
    raise NotAllowedError(
        f"{where}: {as_typed(written)} names no scheduler; type {{StepLR: {{step_size: 3}}}}, or "
        "{_target_: my_package.Mine}"
    )


def built_parts(
    spec: Mapping[str, Any],
    allow: AllowList,
    optimizer: Optimizer,
    counts_updates: Callable[[LRScheduler], bool],
) -> list[LRScheduler]:
    """The schedules that one is made of.

    Args:
        spec: `scheduler`, with `schedulers`.
        allow: what may be built.
        optimizer: whose rate they set.
        counts_updates: whether a schedule does, and not epochs.

    Raises:
        NotAllowedError: if one may not be built, goes with no others, or counts something else.
    """
    parts: list[LRScheduler] = []
    for number, written in enumerate(spec["schedulers"]):
        where = f"scheduler.schedulers[{number}]"
        target, arguments = part_of(written, where)
        found = allow.find(target, where)
        for kind, reason in BY_THEMSELVES.items():
            if issubclass(found, kind):
                raise NotAllowedError(
                    f"{where}: {found.__name__} {reason}, and goes with no others; leave it out, "
                    f"or name it alone by scheduler._target_={target}"
                )
        parts.append(allow.build({"_target_": target, **arguments}, where, optimizer=optimizer))
    if len(set(map(counts_updates, parts))) > 1:
        names = [type(one).__name__ for one in parts]
        raise NotAllowedError(
            f"scheduler.schedulers: of {', '.join(names)} some count updates and some epochs; "
            "leave out the ones or the others"
        )
    _refuse_other_milestones(spec, len(parts))
    return parts


def _refuse_other_milestones(spec: Mapping[str, Any], parts: int) -> None:
    """Of a sequence, which has one between two schedules.

    Raises:
        NotAllowedError: with how many there have to be.
    """
    milestones: Sequence[int] | None = spec.get("milestones")
    if milestones is not None and len(milestones) != parts - 1:
        raise NotAllowedError(
            f"scheduler.milestones={as_typed(list(milestones))}: {counted(parts, 'schedule')} take "
            f"{counted(parts - 1, 'milestone')}, each of which begins the next; give so many"
        )
