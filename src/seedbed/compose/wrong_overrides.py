"""What is wrong with overrides by themselves: unreadable words, unknown options, unknown keys."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from seedbed.compose.hydra_errors import COMPOSITION_ERRORS, STUMBLES, one_line
from seedbed.compose.quoting import overrides_apart, quoted_override
from seedbed.config.hints import did_you_mean, joined
from seedbed.config.key_paths import dotted_keys
from seedbed.config.options import holds_keys, key_hint
from seedbed.config.other_names import our_option
from seedbed.config.own_code import DIRECTIONS, TARGET
from seedbed.config.shorthand import instead_of_option, option_of_file
from seedbed.runs.data_paths import FILE_KEYS

GROUPS = {"data", "model", "trainer"}
"""A config with none of these does not build on ours."""

UNFOUNDED = (
    "the config has no data, model or trainer; begin your YAML with 'defaults: [seedbed, _self_]'"
)

MOST_OPTIONS = 16
"""Options of a group, whose keys are looked at; each takes a tenth of a second."""

PATHS = tuple(f"data.{key}" for key in FILE_KEYS)


def unreadable(override: str, sweep: bool) -> Iterator[str]:
    """Why Hydra's grammar does not take an override, and what to type."""
    if override.startswith("="):
        yield f"cannot read the override '{override}'; an override is KEY=VALUE"
        return
    try:
        OverridesParser.create().parse_override(override)
    except HydraException as err:
        hint = "; an override is KEY=VALUE" if "=" not in override else ""
        if sum(map(override.count, "[{(")) > sum(map(override.count, ")}]")):
            hint = f"; a bracket stays open: close it, and quote the whole: '{override}…'"
        elif several := overrides_apart(override):
            hint = f"; type {several}"
        elif quoted := quoted_override(override, items=sweep):
            hint = f"; quote its value: type {quoted}"
        reason = one_line(err).partition(" See https")[0]
        yield f"cannot read the override '{override}'{hint or f' ({reason})'}"


def wrong_options(override: Override) -> Iterator[str]:
    """The options that a group does not have, with the right ones."""
    group, options = override.key_or_group, _options(override.key_or_group)
    if not options or not (wrong := _wrong_values(override, options)):
        return
    value: Any = override.value()
    given = value if isinstance(value, list) else wrong[0]
    typed = instead_of_option(group, given)
    if typed is not None:
        names = f"[{','.join(wrong)}]" if isinstance(value, list) else wrong[0]
        yield f"{group}: no option '{names}'; there are {joined(options)}; type {typed}"
        return
    for name in wrong:
        ours = our_option(group, name, options)
        hint = f"; did you mean '{ours}'?" if ours else did_you_mean(name, options)
        if name == "null" and not ours:
            hint = f"; for none leave {group} out"
        yield f"{group}: no option '{name}'; there are {joined(options)}{hint}"


def _wrong_values(override: Override, options: Sequence[str]) -> list[str]:
    """What an override of a group asks for that is none of its options."""
    return [name for name in _named(override) if name not in options]


def _named(override: Override) -> list[str]:
    """The options that an override of a group asks for."""
    value: Any = override.value()
    if isinstance(value, ChoiceSweep):
        value = value.list
    elif override.is_sweep_override():
        return []
    wanted = value if isinstance(value, list) else [value]
    return ["null" if one is None else str(getattr(one, "text", one)) for one in wanted]


def wrong_keys(parsed: list[Override], config_name: str) -> list[str]:
    """Keys that the groups chosen do not have."""
    choices = {override.key_or_group: override for override in parsed}
    groups = {group: _options(group) for group in choices if _options(group)}
    right = [g for g, options in groups.items() if not _wrong_values(choices[g], options)]
    config = _plain([_first_of(choices[g]) for g in right], config_name)
    if config is None:
        return []
    keys = set(dotted_keys(config))
    for swept in (choices[g] for g in right if choices[g].is_sweep_override()):
        for name in _named(swept)[1:MOST_OPTIONS]:
            others = [_first_of(choices[g]) for g in right if choices[g] is not swept]
            other = _plain([*others, f"{swept.key_or_group}={name}"], config_name)
            keys |= set(dotted_keys(other or {}))
    if not keys & GROUPS:
        return [UNFOUNDED]
    names = keys | set(GlobalHydra.instance().config_loader().list_groups("")) - {"hydra"}
    unclear = set(groups) - set(right)
    unknown = {
        override.key_or_group: override
        for override in parsed
        if override.key_or_group not in {*groups, *keys}
        and not override.is_add()
        and re.split(r"[./]", override.key_or_group)[0] not in unclear
    }
    return [
        f"no key '{k}'{_below_nothing(k, config) or _for_a_file(one) or _suggestion(k, names)}"
        for k, one in unknown.items()
    ]


def _first_of(override: Override) -> str:
    """The override, with the first of its values where it has several."""
    names = _named(override) if override.is_sweep_override() else []
    return f"{override.key_or_group}={names[0]}" if names else str(override.input_line)


def _plain(overrides: Sequence[str], config_name: str) -> dict[Any, Any] | None:
    whole = _composed(overrides, config_name)
    return None if whole is None else dict(OmegaConf.to_container(whole, resolve=False))  # type: ignore[arg-type]


def _composed(overrides: Sequence[str], config_name: str) -> DictConfig | None:
    """The config with these overrides alone; None if they are not all of the mistakes."""
    try:
        return compose(config_name, list(overrides), return_hydra_config=True)
    except (*COMPOSITION_ERRORS, *STUMBLES):
        return None


def with_options_alone(overrides: Sequence[str], config_name: str) -> DictConfig | None:
    """The config with the options that were chosen, before values are set."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    chosen = [one.input_line for one in parsed if _options(one.key_or_group)]
    return _composed([str(line) for line in chosen], config_name)


def _for_a_file(override: Override) -> str:
    """What to type beside `data.path=houses.csv`, by the file's ending."""
    option = option_of_file(str(override.value()))
    if override.key_or_group not in PATHS or option is None:
        return ""
    return f"; it is a key of tables in files: type data={option} as well"


def _below_nothing(key: str, config: Mapping[Any, Any]) -> str:
    """What to type for a key below one that has no value yet, such as `data.train`.

    So are the arguments of a step of the user's own.
    """
    if key.startswith("step."):
        ours = [f"step.{name}" for name in (TARGET, DIRECTIONS)]
        return did_you_mean(key, ours) or f"; type +{key}=VALUE"
    value: Any = config
    parts = key.split(".")
    for number, part in enumerate(parts):
        if value in (None, "???", {}):
            return f"; type +{key}=VALUE" if holds_keys(".".join(parts[:number]), config) else ""
        if not isinstance(value, Mapping) or part not in value:
            return ""
        value = value[part]
    return ""


def _suggestion(key: str, names: set[str]) -> str:
    if not key.startswith("hydra."):
        names = {name for name in names if not name.startswith("hydra.")}
    return key_hint(key, sorted(names)) or (
        f"; there are {joined(sorted(name for name in names if '.' not in name))}"
    )


def _options(group: str) -> list[str]:
    return list(GlobalHydra.instance().config_loader().get_group_options(group))
