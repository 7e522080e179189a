"""Turns a plain mapping into the typed `RunConfig`, and gathers everything that does not fit.

Nothing here imports torch, so that a misspelt key is answered at once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import yaml

from seedbed.config.absurd import Absurd, refuse_absurd
from seedbed.config.fitting import Refused, absent_values, as_typed, fitted, hints_of
from seedbed.config.hints import MOST_PROBLEMS, did_you_mean, joined, written
from seedbed.config.options import TARGET, key_hint
from seedbed.config.ranges import LONGEST_TEXT
from seedbed.config.schema import DATA_SOURCES, RunConfig
from seedbed.config.shorthand import instead_of_group
from seedbed.config.target_keys import TARGET_KEYS
from seedbed.errors import ConfigError

MISSING = "???"
"""How OmegaConf writes a value that the user has to give."""

MOST_KEYS = 2000
"""Keys of a config that a misspelt one is compared with."""


class CheckedGroups:
    """The groups that were found right before, known again as the same objects.

    The jobs of a sweep share those that they have in common, so that each is checked once.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, int], tuple[Any, Any]] = {}

    def run(self, config: Mapping[str, Any]) -> RunConfig | None:
        """The typed config, or None if something does not fit, and the whole has to say what."""
        hints = hints_of(RunConfig)
        if config.keys() != hints.keys():
            return None
        built = {}
        for key, hint in hints.items():
            value = config[key]
            known = self._found.get((key, id(value)))
            if known is None:
                checker = _Checker({key: value})
                known = (value, checker.alone(key, hint))
                if checker.problems:
                    return None
                if isinstance(value, dict | list | str):  # kept, so that no other gets its id
                    self._found[key, id(value)] = known
            built[key] = known[1]
        return RunConfig(**built, resolved=config)


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
    if groups is not None and (known := groups.run(config)) is not None:
        return known
    checker = _Checker(config)
    run: RunConfig = checker.run()
    if checker.problems:
        raise ConfigError(*checker.problems)
    return run


class _Checker:
    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.problems: list[str] = []
        self.hinted = 0

    def run(self) -> Any:
        config = _with_short_early_stopping(self.config)
        run = self.mapping(RunConfig, config, "", resolved=self.config)
        for group in TARGET_KEYS:
            self.target_group(group, config.get(group))
        return run

    def alone(self, key: str, hint: Any) -> Any:
        """One key of the top, or None with problems, which need not be all."""
        value = _with_short_early_stopping(self.config)[key]
        if value == MISSING:
            self.problems.append(key)
            return None
        built = self.value(hint, value, key)
        self.target_group(key, value)
        return built

    def mapping(self, schema: type, value: Any, path: str, **beside: Any) -> Any:
        """An instance of the dataclass `schema`, or None with the problems noted.

        Args:
            schema: of the keys.
            value: what should hold them.
            path: of the value, for errors.
            beside: what the instance holds beside its keys.
        """
        if not isinstance(value, Mapping):
            known = joined(field.name for field in fields(schema))
            typed = instead_of_group(path, value)
            told = f"; type {typed}" if typed else ""
            self.problems.append(f"{path} must hold the keys {known}, got {as_typed(value)}{told}")
            return None
        hints = hints_of(schema)
        self.unknown(value, hints, path)
        built = {}
        absent = absent_values(schema)
        for key, hint in hints.items():
            where = _join(path, key)
            if key not in value and key in absent:
                built[key] = absent[key]
            elif key not in value or value[key] == MISSING:
                self.problems.append(f"{where} is missing; type {where}=VALUE")
            else:
                built[key] = self.value(hint, value[key], where)
        return schema(**built, **beside) if len(built) == len(hints) else None

    def unknown(self, value: Mapping[str, Any], known: Mapping[str, Any], path: str) -> None:
        """Notes the keys that there are none of; to look for the right name takes its time."""
        unknown = [str(key) for key in value if key not in known]
        here = [_join(path, name) for name in known]
        for key in unknown[:MOST_PROBLEMS]:
            self.problems.append(self._unknown(_join(path, key), here, path))
        if len(unknown) > MOST_PROBLEMS:
            more = len(unknown) - MOST_PROBLEMS
            self.problems.append(f"{path or 'the config'} has {more} more keys that are unknown")

    def _unknown(self, where: str, here: list[str], path: str) -> str:
        shown_key = as_typed(where)[1:-1]
        if where == "experiment":
            hint = "; begin the experiment's YAML with the line '# @package _global_'"
            return f"no key '{where}'{hint}"
        self.hinted += 1
        hint = ""
        if self.hinted <= MOST_PROBLEMS and len(where) <= LONGEST_TEXT:
            target = [f"{path}.{TARGET}"] if path in TARGET_KEYS else []
            hint = key_hint(where, [*target, *here, *self.elsewhere(path)])
        if not hint:
            hint = f"; there are {joined(here)}" if here else f"; {path} takes none here"
        return f"no key '{shown_key}'{hint}"

    @cached_property
    def all_keys(self) -> list[str]:
        """The dotted keys of the whole config, or the first of very many."""
        return list(islice(_dotted(self.config), MOST_KEYS))

    def elsewhere(self, path: str) -> list[str]:
        """The keys of all other groups; those of this one may be the wrong ones."""
        return sorted(key for key in self.all_keys if key.rpartition(".")[0] != path)

    def target_group(self, group: str, value: Any) -> None:
        schemas = TARGET_KEYS.get(group)
        if schemas is None or not isinstance(value, Mapping):
            return
        if "_target_" not in value:
            self.problems.append(f"{group}._target_ is missing; it names the class to build")
            return
        target = value["_target_"]
        if target == "" or (target is not None and not isinstance(target, str)):
            self.problems.append(
                f"{group}._target_ must be the name of a class, got {as_typed(target)}"
            )
        elif target in schemas:
            rest = {key: item for key, item in value.items() if key != "_target_"}
            self.mapping(schemas[target], rest, group)
        elif target is None:
            self.problems.append(f"{group}._target_ must be the name of a class, got null")

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
                or _as_list_hint(str(refused), value, where)
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


def _as_list_hint(allowed: str, value: Any, where: str) -> str:
    """A single value where a list belongs is a common slip."""
    if "a list of" in allowed and isinstance(value, int | float | str):
        text = written(value)
        return f"; type '{where}=[{text}]'" if len(text) <= 80 else ""
    return ""


def _as_text_hint(hint: Any, value: Any, where: str) -> str:
    """A number from the environment, or in quotes, is a text."""
    if not isinstance(value, str):
        return ""
    try:
        meant = yaml.safe_load(value)
        fitted(hint, meant)
    except (yaml.YAMLError, ValueError, Refused):
        return ""
    return (
        f"; that is a text: type {where}={value} without quotes, and for an environment variable "
        f"'{where}=\"${{oc.decode:${{oc.env:NAME}}}}\"'"
    )


def _with_short_early_stopping(config: Mapping[str, Any]) -> dict[str, Any]:
    """`trainer.early_stopping=10` means a patience of 10; null turns it off."""
    trainer = config.get("trainer")
    if not isinstance(trainer, Mapping):
        return dict(config)
    stopping = trainer.get("early_stopping")
    if stopping is None or (isinstance(stopping, int) and not isinstance(stopping, bool)):
        stopping = {"patience": stopping, "min_delta": 0.0}
    return {**config, "trainer": {**trainer, "early_stopping": stopping}}


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _dotted(config: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for key, value in config.items():
        where = _join(path, str(key))
        yield where
        if isinstance(value, Mapping):
            yield from _dotted(value, where)
