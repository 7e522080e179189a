"""What is wrong with the keys that name a step and callbacks of the user's own.

Told from the keys alone, before any code of theirs is imported.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seedbed.config.fitting import as_typed
from seedbed.config.hints import did_you_mean, joined
from seedbed.config.schema import SweepConfig, TrainerConfig

TARGET, DIRECTIONS, ON = "_target_", "higher_is_better", "on"
"""Keys of ours; all others are arguments of what is named."""

RUN_START, STEP_END, EPOCH_END = "run_start", "step_end", "epoch_end"
CHECKPOINT, RUN_END = "checkpoint", "run_end"
EVENTS = (RUN_START, STEP_END, EPOCH_END, CHECKPOINT, RUN_END)
"""What callbacks hear of, in the order of a run."""


def problems_of_own_code(built: Mapping[str, Any]) -> list[str]:
    """What is wrong with both keys, and with others beside them.

    Args:
        built: the groups that are right by themselves, by key.
    """
    step, callbacks = built.get("step"), built.get("callbacks")
    problems = [*problems_of_step(step), *problems_of_callbacks(callbacks, built.get("sweep"))]
    trainer = built.get("trainer")
    return [*problems, *(_of_shards(step, callbacks, trainer) if trainer is not None else ())]


def instead_of_own_code(key: str, value: Any) -> str:
    """What to type where something else stands for the keys of a step or of callbacks."""
    names = value if isinstance(value, list) else [value]
    dotted = names if names and all(map(_is_dotted, names)) else []
    if key == "step":
        return f"; type step.{TARGET}={(dotted or ['my_package.my_step'])[0]}"
    callbacks = ", ".join(f"{{{TARGET}: {one}}}" for one in dotted or ["my_package.MyCallback"])
    return f"; type 'callbacks=[{callbacks}]'" if key == "callbacks" else ""


def problems_of_step(step: Mapping[str, Any] | None) -> Iterator[str]:
    """What is wrong with `step`."""
    if step is None:
        return
    others = [key for key in step if key not in (TARGET, DIRECTIONS)]
    target, directions = step.get(TARGET), step.get(DIRECTIONS)
    if TARGET not in step or (target is None and others):
        yield (
            "step._target_ is missing; it names a function of your own: "
            "step._target_=my_package.my_step"
        )
    elif target is not None and not _is_dotted(target):
        yield (
            "step._target_ must name a function with its module, as my_package.my_step, got "
            f"{as_typed(target)}"
        )
    if not isinstance(directions, Mapping | None):
        yield (
            "step.higher_is_better must tell true or false of names that the step gives, got "
            f"{as_typed(directions)}; type 'step.higher_is_better={{NAME: true}}'"
        )
        return
    for name, one in (directions or {}).items():
        if not isinstance(one, bool):
            yield f"step.higher_is_better.{name} must be true or false, got {as_typed(one)}"


def problems_of_callbacks(
    callbacks: Sequence[Mapping[str, Any]] | None, sweep: SweepConfig | None
) -> list[str]:
    """What is wrong with `callbacks`, and with where a sweep's runs go beside them."""
    numbered = enumerate(callbacks or [])
    problems = [problem for number, one in numbered for problem in _of_callback(number, one)]
    if callbacks and sweep is not None and sweep.layout == "packed":
        problems.append(
            "sweep.layout=packed makes no folder for a run, and callbacks are told of one; type "
            "sweep.layout=directories"
        )
    return problems


def _of_shards(
    step: Mapping[str, Any] | None, callbacks: Sequence[Any] | None, trainer: TrainerConfig
) -> Iterator[str]:
    """What does not go with weights that are split over ranks."""
    named = {"step": step is not None and step.get(TARGET) is not None, "callbacks": callbacks}
    for key, there in named.items() if trainer.is_sharded else ():
        if there:
            yield (
                f"trainer.strategy={trainer.strategy} splits the weights over ranks, and {key} of "
                "your own take a whole model; type trainer.strategy=ddp"
            )


def _of_callback(number: int, spec: Mapping[str, Any]) -> Iterator[str]:
    where = f"callbacks[{number}]"
    if not _is_dotted(spec.get(TARGET)):
        yield (
            f"{where}._target_ must name a class or a function with its module, as "
            f"my_package.MyCallback, got {as_typed(spec.get(TARGET))}; type "
            "'callbacks=[{_target_: my_package.MyCallback}]'"
        )
    if spec.get(ON) == []:
        yield f"{where}.on names no event, so that it would hear of nothing; type on: {EPOCH_END}"
    for name in events_of(spec):
        if not isinstance(name, str) or name not in EVENTS:
            hint = did_you_mean(name, EVENTS) if isinstance(name, str) else ""
            yield f"{where}.on must be of {joined(EVENTS)}, got {as_typed(name)}{hint}"


def events_of(spec: Mapping[str, Any]) -> list[Any]:
    """What `on` of a callback says: events that a function is called at."""
    told = spec.get(ON)
    if told is None:
        return [EPOCH_END]
    return [*told] if isinstance(told, list) else [told]


def _is_dotted(target: Any) -> bool:
    """Whether a name has a module before it."""
    return isinstance(target, str) and all(target.rpartition("."))
