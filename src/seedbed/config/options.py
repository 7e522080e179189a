"""What the shipped options of a group hold, and which of their keys go with which class.

A class may be named over an option of ours (`optimizer._target_=torch.optim.Adam` over `sgd`). The
keys that only the option knows are then left out, those that only the class knows come from the
class's own option, and a note names both.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import is_dataclass
from functools import cache
from typing import Any

import yaml

from seedbed.config.fitting import Refused, as_typed, fitted, hints_of
from seedbed.config.hints import by_last_part, did_you_mean, joined
from seedbed.config.key_paths import NOTHING, value_at
from seedbed.config.locations import own_conf
from seedbed.config.other_names import CHOICES, advice_on, our_key
from seedbed.config.schema import DATA_SOURCES, RunConfig
from seedbed.config.target_keys import (
    CLASSES_OF_FUNCTIONS,
    FUNCTIONAL,
    KEYS_OF_OURS,
    NONE,
    TARGET_KEYS,
)

TARGET = "_target_"

OF_IMAGES = "data.file"
"""A key of one option, whose name means another key in other programs."""


@cache
def options_of(group: str) -> dict[str, dict[str, Any]]:
    """The shipped options of a group by name, as their YAML has them; empty if there is none."""
    return {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in sorted((own_conf() / group).glob("*.yaml"))
    }


def options_with(group: str, key: str) -> list[str]:
    """The shipped options of a group that have a key."""
    return [name for name, content in options_of(group).items() if key in content]


def fitted_to_classes(
    plain: dict[str, Any], choices: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The config with the keys of each class of ours or torch's that was named over an option.

    Args:
        plain: resolved, in plain containers; not changed.
        choices: the option of each group.

    Returns:
        The same config if nothing is to be done, else another that shares the rest; and the notes.
    """
    fitted, notes = _functions_as_classes(plain)
    for group, classes in TARGET_KEYS.items():
        held = fitted.get(group)
        if not isinstance(held, dict):
            continue
        target = held.get(TARGET, NOTHING)
        if not isinstance(target, str | None) or target not in classes:
            continue
        wanted = {TARGET, *classes[target]}
        if held.keys() - KEYS_OF_OURS.get(group, NONE).keys() != wanted and _is_named_over(
            group, choices.get(group), held
        ):
            value, note = _fitted(group, held, wanted, fitted)
            fitted = {**fitted, group: value}
            notes += note
    return fitted, tuple(notes)


def _functions_as_classes(plain: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The config with the class in place of a loss of `torch.nn.functional`, and a note of it."""
    loss = plain.get("loss")
    target = loss.get(TARGET) if isinstance(loss, dict) else None
    module, _, name = target.rpartition(".") if isinstance(target, str) else ("", "", "")
    if not isinstance(loss, dict) or module != FUNCTIONAL or name not in CLASSES_OF_FUNCTIONS:
        return plain, []
    found = f"torch.nn.{CLASSES_OF_FUNCTIONS[name]}"
    return {**plain, "loss": {**loss, TARGET: found}}, [f"{target} is {found}"]


def leftovers(group: str, keys: Iterable[str]) -> list[str]:
    """Those of the keys that an option of the group has: they may stand there by no one's wish."""
    known = {key for content in options_of(group).values() for key in content}
    return [key for key in keys if key in known]


def listed(group: str, values: Mapping[str, Any]) -> str:
    """`model.hidden=[8], model.bias=true`, as they would be typed."""
    return ", ".join(f"{group}.{key}={as_typed(value)}" for key, value in values.items())


UNLIKELY = ("init.weights", "data.weight")
"""Keys that are only named to who looks in their group: in others the word means other things."""


def key_hint(key: str, names: Iterable[str]) -> str:
    """What may have been meant by a key that is not there.

    A key of another group is only named if it is called the same, or so in other programs.

    Args:
        key: dotted.
        names: all keys of the config, dotted.
    """
    elsewhere = () if key.startswith("sweep") else ("sweep.slurm.", "sweep.ray.")
    group = key.partition(".")[0]
    unlikely = tuple(f"{one}." for one in UNLIKELY if not one.startswith(group))
    hidden = (f"{key}.", "preset.", *elsewhere, *unlikely)
    names = [name for name in names if not f"{name}.".startswith(hidden)]
    group, _, last = key.rpartition(".")
    siblings = sorted(name for name in names if name.rpartition(".")[0] == group)
    if group in names and not siblings:
        return f"; {group} is a value, and holds no keys"
    if last in CHOICES and (known := options_of(group)):
        return f"; an option is chosen by {group}=OPTION; there are {joined(known)}"
    if key == OF_IMAGES and (hint := _by_other_name(key, names)):
        return hint
    if group and (options := options_with(group, last)):
        return f"{_taken(group, siblings, others=False)}; {_have_it(group, options)}"
    if (longer := f"{group}.num_{last}") in siblings:
        return f"; did you mean '{longer}'?"
    if hint := _of_same_name(last, names) or advice_on(key) or _by_other_name(key, names):
        return hint
    if not group or not siblings:
        return did_you_mean(key, names)
    if near := did_you_mean(key, siblings):
        return near
    same = by_last_part(key, names, cutoff=0.9)
    return f"; did you mean '{same}'?" if same else _taken(group, siblings)


def _of_same_name(last: str, names: Iterable[str]) -> str:
    """The key that ends with the very word; the shortest, if several do."""
    matches = [name for name in names if name.rpartition(".")[2] == last]
    if last in CHOICES or last == TARGET or not matches:
        return ""
    return f"; did you mean '{min(matches, key=lambda name: (name.count('.'), name))}'?"


def _by_other_name(key: str, names: Sequence[str]) -> str:
    """Our key for one of other programs, and which options have it if this config does not."""
    ours = our_key(key)
    if ours is None or ours == key:
        return ""
    if ours in names or ours.startswith("hydra."):
        return f"; did you mean '{ours}'?"
    group, _, rest = ours.partition(".")
    options = options_with(group, rest.partition(".")[0])
    return f"; did you mean '{ours}'? {_have_it(group, options)}" if options else ""


def _have_it(group: str, options: Sequence[str]) -> str:
    """`data=csv, npz and parquet have it`."""
    *first, last = options
    return f"{group}={', '.join(first)} and {last} have it" if first else f"{group}={last} has it"


def _taken(group: str, siblings: Sequence[str], *, others: bool = True) -> str:
    """The keys of a group, or where there are none, those of its other options."""
    if siblings != [f"{group}.{TARGET}"]:
        return f"; there are {joined(siblings)}"
    if not others:
        return f"; {group} takes no keys here"
    elsewhere = [
        f"{key} goes with {group}={name}"
        for name, content in options_of(group).items()
        for key in content
        if key != TARGET
    ]
    return f"; {group} takes no keys here" + "".join(f"; {one}" for one in elsewhere[:4])


def _is_named_over(group: str, choice: Any, held: Mapping[str, Any]) -> bool:
    """Whether the class is another than that of the option; else its keys are the user's matter."""
    option = options_of(group).get(str(choice))
    return option is None or option[TARGET] != held[TARGET]


def _fitted(
    group: str, held: Mapping[str, Any], wanted: Set[str], plain: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    target = held[TARGET]
    name = str(target).rpartition(".")[2] if target else f"{group}._target_=null"
    surplus = leftovers(group, held.keys() - wanted - KEYS_OF_OURS.get(group, NONE).keys())
    kept = {key: value for key, value in held.items() if key not in surplus}
    home, option = next(one for one in options_of(group).items() if one[1][TARGET] == target)
    added = {
        key: _resolved(value, plain)
        for key, value in option.items()
        if key in wanted and key not in kept
    }
    notes = []
    if surplus:
        dropped = listed(group, {key: held[key] for key in held if key in surplus})
        notes.append(f"{name} does not take {dropped}; left out")
    if added:
        notes.append(f"{listed(group, added)}, as in {group}={home}")
    return {**kept, **added}, notes


def _resolved(value: Any, plain: Mapping[str, Any]) -> Any:
    """The value that an interpolation such as `${optimizer.lr}` stands for."""
    if isinstance(value, str) and value.startswith("${"):
        return value_at(plain, tuple(value[2:-1].split(".")))
    return value


def holds_keys(key: str, config: Mapping[str, Any]) -> bool:
    """Whether there can be keys below a dotted key, as far as its type tells.

    Args:
        key: that is there.
        config: whole, in plain containers.
    """
    group, *parts = key.split(".")
    hint: Any = hints_of(RunConfig).get(group, Any)
    held = config.get(group)
    if group == "data" and isinstance(held, Mapping):
        hint = DATA_SOURCES.get(str(held.get("source")), Any)
    if group in TARGET_KEYS and isinstance(held, Mapping) and parts:
        target = held.get(TARGET) if isinstance(held.get(TARGET), str) else None
        known = {**TARGET_KEYS[group].get(target, NONE), **KEYS_OF_OURS.get(group, NONE)}
        hint = known.get(parts.pop(0), Any)
    for part in parts:
        is_schema = isinstance(hint, type) and is_dataclass(hint)
        hint = hints_of(hint).get(part, Any) if is_schema else Any
    if is_dataclass(hint):
        return True
    try:
        fitted(hint, {"key": 1})
    except Refused:
        return False
    return True
