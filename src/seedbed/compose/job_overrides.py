"""Reads the overrides of a sweep's jobs: which of them set a key to a plain value.

Hydra's parser takes half a millisecond for each, and a sweep has thousands of them that differ in a
number. The commonest ones are read here; the parser reads all others.
"""

import re
from dataclasses import dataclass
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType

from seedbed.config.absurd import refuse_absurd_overrides
from seedbed.config.key_paths import Path

KEY = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,30})", re.ASCII)
NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,30})(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
CONSTANTS = {"true": True, "false": False, "null": None}
NOT_NAMES = {*CONSTANTS, "inf", "nan"}


@dataclass(frozen=True, slots=True)
class JobOverride:
    """One override of a job.

    Args:
        text: as it was typed.
        path: of the key that it sets; None for the choice of an option, and for Hydra's own keys.
        plain: whether it gives a key that is there a number, a text, a list of such, or null.
        simple: whether the key is made of names and dots alone.
        value: of a plain one.
    """

    text: str
    path: Path | None
    plain: bool
    simple: bool = True
    value: Any = None


class OverrideReader:
    """Reads overrides, each only once.

    Args:
        loader: Hydra's, which knows the groups.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        self.loader = loader
        self.parser = OverridesParser.create(config_loader=loader)
        self.top_groups = set(loader.list_groups(""))
        self._read: dict[str, JobOverride] = {}
        self._groups: dict[str, bool] = {}

    def __call__(self, text: str) -> JobOverride:
        """The override.

        Raises:
            HydraException: if it is none of Hydra's grammar.
            ConfigError: if it holds what no parser should be given.
        """
        if text not in self._read:
            refuse_absurd_overrides([text])
            self._read[text] = self._quickly(text) or self._by_hydra(text)
        return self._read[text]

    def _quickly(self, text: str) -> JobOverride | None:
        key, equals, written = text.partition("=")
        if not equals or not KEY.fullmatch(key) or _is_hydras(key) or self._is_group(key):
            return None
        value: Any
        if WHOLE.fullmatch(written):
            value = int(written)
        elif NUMBER.fullmatch(written):
            value = float(written)
        elif written in CONSTANTS:
            value = CONSTANTS[written]
        elif NAME.fullmatch(written) and written.lower() not in NOT_NAMES:
            value = written
        else:
            return None
        return JobOverride(text, tuple(key.split(".")), plain=True, value=value)

    def _by_hydra(self, text: str) -> JobOverride:
        override = self.parser.parse_override(text)
        key = override.key_or_group
        value = override.value()
        if _is_hydras(key) or (self._is_group(key) and not isinstance(value, dict)):
            return JobOverride(text, None, plain=False)
        simple = KEY.fullmatch(key) is not None
        plain = simple and _changes(override) and is_plain(value)
        return JobOverride(text, tuple(key.split(".")), plain, simple, value if plain else None)

    def _is_group(self, key: str) -> bool:
        if "/" not in key:
            return key in self.top_groups
        if key not in self._groups:
            self._groups[key] = bool(self.loader.get_group_options(key))
        return self._groups[key]


def _is_hydras(key: str) -> bool:
    return key == "hydra" or key.startswith(("hydra.", "hydra/"))


def is_plain(value: Any) -> bool:
    """Whether OmegaConf keeps a value as it is: no mapping, nothing to look up, nothing to give."""
    if isinstance(value, list):
        return all(map(is_plain, value))
    if isinstance(value, str):
        return "$" not in value and value != "???"
    return value is None or isinstance(value, bool | int | float)


def _changes(override: Override) -> bool:
    return (
        override.type is OverrideType.CHANGE
        and override.package is None
        and not override.is_sweep_override()
    )
