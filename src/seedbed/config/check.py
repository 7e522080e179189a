"""Turns a plain mapping into the typed `RunConfig`, and gathers everything that does not fit.

Nothing here imports torch, so that a misspelt key is answered at once.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

import yaml

from seedbed.config.absurd import Absurd, refuse_absurd
from seedbed.config.fitting import Refused, absent_values, as_typed, fitted, hints_of
from seedbed.config.hints import MOST_PROBLEMS, did_you_mean, joined, written
from seedbed.config.key_paths import dotted_keys
from seedbed.config.loading import problems_of_loading
from seedbed.config.metric_specs import problems_of_metrics
from seedbed.config.options import TARGET, key_hint
from seedbed.config.own_code import instead_of_own_code, problems_of_own_code
from seedbed.config.padding import problems_of_padding
from seedbed.config.parts import problems_of_parts
from seedbed.config.ranges import LONGEST_TEXT, Name
from seedbed.config.schema import DATA_SOURCES, DataConfig, RunConfig, TrainerConfig
from seedbed.config.shorthand import instead_of_group
from seedbed.config.target_keys import ABSENT_KEYS, KEYS_OF_OURS, NONE, TARGET_KEYS
from seedbed.errors import ConfigError

HEADER = "begin the experiment's YAML with the line '# @package _global_'"
"""Without it, all that the file says is below `experiment`."""

MISSING = "???"
"""How OmegaConf writes a value that the user has to give."""

DEV_PART = 0.5
"""Of the epochs of such a run, after which weights are averaged: it has one, which is."""

DEV_BATCHES = 2
"""Of each part of the data in a run that only shows that everything works."""

LONGEST_HINT = 80
"""Characters of a value that a hint says again in another form."""

MOST_KEYS = 2000
"""Keys of a config that a misspelt one is compared with."""


CheckedGroups = dict[tuple[str, int], tuple[Any, Any]]
"""The groups that were found right before, with what they became, by their key and `id`.

The jobs of a sweep share those that they have in common, so that each is checked once. A group is
kept here, so that no other gets its id.
"""


def checked(config: Mapping[str, Any], groups: CheckedGroups | None = None) -> RunConfig:
    """The typed config.

    Args:
        config: composed and resolved, in plain containers.
        groups: those of earlier configs, which are not checked again; a dictionary that is found
            there may not have changed since.

    Raises:
        ConfigError: with one problem for each key that is unknown, missing, of the wrong type or
            out of range.
    """
    checker = _Checker(config, CheckedGroups() if groups is None else groups)
    built = checker.keys(hints_of(RunConfig), config, "", absent_values(RunConfig))
    if isinstance(built.get("data"), DataConfig) and not checker.problems:
        checker.problems += problems_of_parts(built["data"])
        checker.problems += problems_of_loading(built["data"], built["loader"])
        checker.problems += problems_of_padding(built["loader"], built["data"])
    checker.problems += problems_of_metrics(built.get("metrics"))
    checker.problems += problems_of_own_code(built)
    if checker.problems:
        raise ConfigError(*checker.problems)
    if built["trainer"].fast_dev_run:
        built["trainer"] = _a_few_batches(built["trainer"])
    return RunConfig(**built, resolved=config)


def _a_few_batches(trainer: TrainerConfig) -> TrainerConfig:
    """What `trainer.fast_dev_run` stands for."""
    few = trainer.limit_batches or DEV_BATCHES
    return replace(trainer, epochs=1, limit_batches=few, swa_start=DEV_PART)


class _Checker:
    def __init__(self, config: Mapping[str, Any], groups: CheckedGroups) -> None:
        self.config, self.groups = config, groups
        self.problems: list[str] = []
        self.hinted = 0

    def keys(
        self,
        hints: Mapping[str, Any],
        value: Mapping[str, Any],
        path: str,
        absent: Mapping[str, Any],
    ) -> dict[str, Any]:
        """What the keys below `path` hold; those with problems, which are noted, hold nothing.

        Args:
            hints: the type of each key.
            value: what should hold them.
            path: of the value, for errors.
            absent: what it means if a key is not there.
        """
        self.unknown(value, hints, path)
        built = {}
        for key, hint in hints.items():
            where = _join(path, key)
            if key not in value and key in absent:
                built[key] = absent[key]
            elif key not in value or value[key] == MISSING:
                self.problems.append(f"{where} is missing; type {where}=VALUE")
            else:
                built[key] = (self.value if path else self.group)(hint, value[key], where)
        return built

    def group(self, hint: Any, value: Any, key: str) -> Any:
        """What a key of the top holds; it is checked unless it was found right before."""
        if known := self.groups.get((key, id(value))):
            return known[1]
        problems = len(self.problems)
        full = _with_short_early_stopping(value) if key == "trainer" else value
        built = self.value(hint, full, key)
        if key in TARGET_KEYS:
            self.target_group(key, value)
        if len(self.problems) == problems and isinstance(value, dict | list | str):
            self.groups[key, id(value)] = (value, built)
        return built

    def mapping(self, schema: type, value: Any, path: str) -> Any:
        """An instance of the dataclass `schema`, or None with the problems noted."""
        if not isinstance(value, Mapping):
            known = joined(field.name for field in fields(schema))
            typed = instead_of_group(path, value)
            hint = f"; type {typed}" if typed else ""
            self.problems.append(f"{path} must hold the keys {known}, got {as_typed(value)}{hint}")
            return None
        hints = hints_of(schema)
        built = self.keys(hints, value, path, absent_values(schema))
        return schema(**built) if len(built) == len(hints) else None

    def unknown(self, value: Mapping[str, Any], known: Mapping[str, Any], path: str) -> None:
        """Notes the keys that there are none of; to look for the right name takes its time."""
        unknown = [str(key) for key in value if key not in known]
        here = [_join(path, name) for name in known] if unknown else []
        for key in unknown[:MOST_PROBLEMS]:
            self.problems.append(self._unknown(_join(path, key), here, path))
        if len(unknown) > MOST_PROBLEMS:
            more = len(unknown) - MOST_PROBLEMS
            self.problems.append(f"{path or 'the config'} has {more} more keys that are unknown")

    def _unknown(self, where: str, here: list[str], path: str) -> str:
        key_text = as_typed(where)[1:-1]
        if where == "experiment":
            return f"no key '{where}'; {HEADER}"
        self.hinted += 1
        hint = ""
        if self.hinted <= MOST_PROBLEMS and len(where) <= LONGEST_TEXT:
            target = [f"{path}.{TARGET}"] if path in TARGET_KEYS else []
            hint = key_hint(where, [*target, *here, *self.elsewhere(path)])
        if not hint:
            hint = f"; there are {joined(here)}" if here else f"; {path} takes none here"
        return f"no key '{key_text}'{hint}"

    @cached_property
    def all_keys(self) -> list[str]:
        """The dotted keys of the whole config, or the first of very many."""
        return list(islice(dotted_keys(self.config), MOST_KEYS))

    def elsewhere(self, path: str) -> list[str]:
        """The keys of all other groups; those of this one may be the wrong ones."""
        return sorted(key for key in self.all_keys if key.rpartition(".")[0] != path)

    def target_group(self, group: str, value: Any) -> None:
        """Notes what is wrong with the class that a group names, and with the keys beside it."""
        if not isinstance(value, Mapping):
            return
        where, target, known = f"{group}.{TARGET}", value.get(TARGET), TARGET_KEYS[group]
        ours = KEYS_OF_OURS.get(group, NONE)
        keys = known.get(target) if isinstance(target, str | None) else None
        if TARGET not in value:
            self.problems.append(f"{where} is missing; it names the class to build")
            return
        if keys is not None:
            rest = {key: item for key, item in value.items() if key != TARGET}
            absent = {**ABSENT_KEYS.get(target, NONE), **dict.fromkeys(ours)}
            self.keys({**keys, **ours}, rest, group, absent)
        elif isinstance(target, str) and target:
            own = {key: value[key] for key in ours if key in value}
            self.keys(ours, own, group, dict.fromkeys(ours))
        else:
            self.problems.append(f"{where} must be the name of a class, got {as_typed(target)}")
            return
        if group == "optimizer":
            self.parameter_groups(value.get("groups"), keys)

    def parameter_groups(self, groups: Any, known: Mapping[str, Any] | None) -> None:
        """Notes what is wrong with groups of parameters.

        Args:
            groups: by name.
            known: the keys of the optimizer, with the type of each; None of a class of one's own.
        """
        if not isinstance(groups, Mapping):
            return
        for name, group in groups.items():
            where = f"optimizer.groups.{written(name)}"
            if not isinstance(group, Mapping):
                self.problems.append(
                    f"{where} must hold params, an expression for names of parameters, and what "
                    f"the optimizer has, got {as_typed(group)}; type "
                    "'optimizer.groups={head: {params: ^head, lr: 0.01}}'"
                )
                continue
            keys = known if known is not None else dict.fromkeys(group, Any)
            hints = {**keys, "params": Name}
            self.keys(hints, group, where, dict.fromkeys(keys))

    def value(self, hint: Any, value: Any, where: str) -> Any:
        if where == "data":
            return self.data(value)
        if is_dataclass(hint) and isinstance(hint, type):
            return self.mapping(hint, value, where)
        try:
            fits = fitted(hint, value)
            if isinstance(fits, dict | list):
                refuse_absurd(fits)
            return fits
        except Absurd as absurd:
            self.problems.append(f"{where}{absurd}")
            return None
        except Refused as refused:
            hint = (
                refused.hint
                or _as_text_hint(hint, value, where)
                or instead_of_own_code(where, value)
                or _as_list_hint(hint, value, where)
            )
            self.problems.append(f"{where} must be {refused}, got {as_typed(value)}{hint}")
            return None

    def data(self, value: Any) -> Any:
        source = value.get("source") if isinstance(value, Mapping) else None
        if not isinstance(source, str) or source not in DATA_SOURCES:
            hint = did_you_mean(written(source)[:80], DATA_SOURCES)
            self.problems.append(
                f"data.source must be one of {joined(DATA_SOURCES)}, got {as_typed(source)}{hint}"
            )
            return None
        return self.mapping(DATA_SOURCES[source], value, "data")


def _as_list_hint(hint: Any, value: Any, where: str) -> str:
    """A single value where a list of such belongs is a common slip."""
    if not isinstance(value, int | float | str):
        return ""
    try:
        fitted(hint, [value])
    except Refused:
        return ""
    text = written(value)
    return f"; type '{where}=[{text}]'" if len(text) <= LONGEST_HINT else ""


def _as_text_hint(hint: Any, value: Any, where: str) -> str:
    """A number from the environment, or in quotes, is a text; what is long is no such slip."""
    if not isinstance(value, str) or len(value) > LONGEST_HINT:
        return ""
    try:
        meant = yaml.safe_load(value)
        fitted(hint, meant)
        if type(meant) in (int, float) and type(meant)(value) != meant:
            return ""  # 010 is 8 in YAML, and a text where it is typed; int refuses 0x10
    except (yaml.YAMLError, ValueError, Refused):
        return ""
    return (
        f"; that is a text: type {where}={value.strip()} without quotes, and for an environment "
        f"variable '{where}=\"${{oc.decode:${{oc.env:NAME}}}}\"'"
    )


def _with_short_early_stopping(trainer: Any) -> Any:
    """`trainer.early_stopping=10` means a patience of 10; null turns it off."""
    if not isinstance(trainer, Mapping):
        return trainer
    stopping = trainer.get("early_stopping")
    if stopping is None or (isinstance(stopping, int) and not isinstance(stopping, bool)):
        stopping = {"patience": stopping, "min_delta": 0.0}
    return {**trainer, "early_stopping": stopping}


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
