"""Says in one line, with the nearest right name, what Hydra found wrong with the overrides."""

import re
from collections.abc import Sequence
from typing import Any

import yaml
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError, OmegaConfBaseException

from seedbed.compose.hydra_errors import RAISED, one_line, spaced
from seedbed.compose.quoting import quoted_override
from seedbed.compose.unmergeable import unmergeable
from seedbed.compose.wrong_overrides import (
    unreadable,
    with_options_alone,
    wrong_keys,
    wrong_options,
)
from seedbed.config.check import HEADER
from seedbed.config.hints import did_you_mean, joined
from seedbed.config.key_paths import dotted_keys
from seedbed.config.locations import user_conf
from seedbed.errors import ConfigError


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
        return ConfigError(f"YAML: {one_line(error)}")
    if isinstance(error, UnicodeDecodeError):
        return ConfigError(f"YAML: '{_not_utf8()}' is not UTF-8 text; save it as UTF-8")
    problems = [problem for override in overrides for problem in unreadable(override, sweep)]
    if not problems:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
        problems = [problem for override in parsed for problem in wrong_options(override)]
        problems += wrong_keys(parsed, config_name)
    return ConfigError(*(problems or [_reworded(error, overrides, config_name)]))


def unresolved(error: OmegaConfBaseException, job: DictConfig) -> ConfigError:
    """The mistake in an interpolation of the composed `job`."""
    reason = RAISED.sub("", str(error).splitlines()[0])
    if isinstance(error, InterpolationKeyError):
        plain: Any = OmegaConf.to_container(job, resolve=False)
        reason += did_you_mean(reason.split("'")[1], dotted_keys(plain))
    return ConfigError(f"{error.full_key}: {reason}")


def _reworded(error: Exception, overrides: Sequence[str], config_name: str) -> str:
    """Hydra's own words, made shorter where we know what to type."""
    text = RAISED.sub("", one_line(error))
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
            if (merged == text or merged[:200] == spaced(override)[:200]) and (
                advice := unmergeable(override, with_options_alone(overrides, config_name))
            ):
                return advice
        why = one_line(error.__cause__ or error).partition(" full_key:")[0]
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
