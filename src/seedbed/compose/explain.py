"""Says in one line, with the nearest right name, what Hydra found wrong with the overrides."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml
from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError, OmegaConfBaseException

from seedbed.compose.quoting import overrides_apart, quoted_override
from seedbed.compose.unmergeable import unmergeable
from seedbed.config.check import HEADER
from seedbed.config.hints import did_you_mean, joined
from seedbed.config.key_paths import dotted_keys
from seedbed.config.locations import user_conf
from seedbed.config.options import key_hint
from seedbed.config.other_names import our_option
from seedbed.config.own_code import DIRECTIONS, TARGET
from seedbed.config.shorthand import instead_of_option, option_of_file
from seedbed.errors import ConfigError
from seedbed.runs.data_paths import FILE_KEYS

GROUPS = {"data", "model", "trainer"}
"""A config with none of these does not build on ours."""

STUMBLES = (TypeError, AttributeError, LookupError, AssertionError, RecursionError)
"""What Hydra raises unawares, over words such as `data=[null]` and YAML such as `defaults: 3`."""

MOST_OPTIONS = 16
"""Options of a group, whose keys are looked at; each takes a tenth of a second."""

RAISED = re.compile(r"\w+ raised while resolving interpolation: ")
"""How OmegaConf begins what a resolver raised."""

PATHS = tuple(f"data.{key}" for key in FILE_KEYS)

UNFOUNDED = (
    "the config has no data, model or trainer; begin your YAML with 'defaults: [seedbed, _self_]'"
)


def explained(
    error: Exception, overrides: Sequence[str], config_name: str, *, sweep: bool = False
) -> ConfigError:
    """The mistakes behind a failed composition; Hydra must still be initialised.

    Args:
        error: what Hydra raised.
        overrides: as typed.
        config_name: of the primary config.
        sweep: whether commas part the values of a sweep.
    """
    if isinstance(error, yaml.YAMLError):
        return ConfigError(f"YAML: {_one_line(error)}")
    if isinstance(error, UnicodeDecodeError):
        return ConfigError(f"YAML: '{_not_utf8()}' is not UTF-8 text; save it as UTF-8")
    problems = [problem for override in overrides for problem in _unreadable(override, sweep)]
    if not problems:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
        problems = [problem for override in parsed for problem in _wrong_option(override)]
        problems += _wrong_keys(parsed, config_name)
    return ConfigError(*(problems or [_reworded(error, overrides, config_name)]))


def unresolved(error: OmegaConfBaseException, job: DictConfig) -> ConfigError:
    """The mistake in an interpolation of the composed `job`."""
    reason = RAISED.sub("", str(error).splitlines()[0])
    if isinstance(error, InterpolationKeyError):
        plain: Any = OmegaConf.to_container(job, resolve=False)
        reason += did_you_mean(reason.split("'")[1], dotted_keys(plain))
    return ConfigError(f"{error.full_key}: {reason}")


def _unreadable(override: str, sweep: bool) -> Iterator[str]:
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
        reason = _one_line(err).partition(" See https")[0]
        yield f"cannot read the override '{override}'{hint or f' ({reason})'}"


def _wrong_option(override: Override) -> Iterator[str]:
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


def _reworded(error: Exception, overrides: Sequence[str], config_name: str) -> str:
    """Hydra's own words, made shorter where we know what to type."""
    text = RAISED.sub("", _one_line(error))
    if isinstance(error, KeyError) and any(
        "hydra.job.env_copy" in override for override in overrides
    ):
        return f"hydra.job.env_copy: there is no environment variable {text}"
    if isinstance(error, MissingConfigException) and error.missing_cfg_file is not None:
        return _missing(error.missing_cfg_file, config_name)
    if several := re.search(r"(?:Ambiguous value for argument|Sweep parameters) '(.+?)'", text):
        key, _, values = several[1].partition("=")
        as_list = f"; for a list type '{key}=[{values}]'" if "(" not in values else ""
        as_text = f"; for one text type {quoted_override(several[1])}" if as_list else ""
        return (
            f"'{several[1]}' has several values; for a sweep type seedbed train -m …"
            f"{as_list}{as_text}"
        )
    if text.startswith("Error merging override ") or "hydra.searchpath must be a list" in text:
        merged = text.removeprefix("Error merging override ")
        for override in overrides:
            if (merged == text or merged[:200] == _spaced(override)[:200]) and (
                advice := unmergeable(override, _whole(overrides, config_name))
            ):
                return advice
        why = _one_line(error.__cause__ or error).partition(" full_key:")[0]
        return f"cannot take the override '{merged}': {why}"
    if unplaced := re.search(r"In '(experiment/.+?)': Could not override '.+?@", text):
        return f"'{unplaced[1]}': {HEADER}"
    if gone := re.search(r"Could not delete from config\. '(.+?)' does not exist", text):
        return f"~{gone[1]}: a key is not taken away but set, and this one is null; leave it out"
    if twice := re.search(r"Multiple values for (\S+)\.", text):
        group = twice[1]
        return (
            f"{group} has an option already; type {group}=OPTION without '+', or in YAML "
            f"'override /{group}: OPTION'"
        )
    return text


def _missing(name: str, config_name: str) -> str:
    group, _, option = name.rpartition("/")
    loader = GlobalHydra.instance().config_loader()
    options = [o for o in loader.get_group_options(group, ObjectType.CONFIG) if o[0] != "_"]
    where = "--config-name" if name == config_name else "defaults"
    hint = f"; there are {joined(options)}" if options else ""
    return f"{where}: no '{name}' in any config folder{hint}{did_you_mean(option, options)}"


def _not_utf8() -> str:
    """The user's YAML that is in another encoding."""
    folder = user_conf()
    for path in sorted(folder.rglob("*.yaml")) if folder else ():
        try:
            path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return str(path)
    return "a file"


def _wrong_keys(parsed: list[Override], config_name: str) -> list[str]:
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
    except (HydraException, OmegaConfBaseException, yaml.YAMLError, ValueError, *STUMBLES):
        return None


def _whole(overrides: Sequence[str], config_name: str) -> DictConfig | None:
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
    for part in key.split("."):
        if value in (None, "???", {}):
            return f"; type +{key}=VALUE"
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


def _one_line(error: BaseException) -> str:
    return _spaced(str(error).replace("See https://hydra.cc", "See https"))[:300]


def _spaced(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
