"""Interpolations such as `${optimizer.lr}`, put in again after a value has changed.

Only those are read here that name keys of the config itself, and those that no key can change.
OmegaConf, which reads all, takes ten times as long as everything else about a job.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from seedbed.config.key_paths import NOTHING, Path, value_at

REFERENCE = re.compile(r"\$\{(\.*)([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\}", re.ASCII)
CONSTANT = re.compile(r"\$\{(?:now|oc\.env):[^${}\\]*\}")
"""What gives the same in every job; Hydra, too, takes one time for all jobs of a sweep."""

MISSING = "???"


class UnclearError(Exception):
    """An interpolation that OmegaConf has to read."""


@dataclass(frozen=True, slots=True)
class Template:
    """An interpolation in parts.

    Args:
        parts: texts as they are, and paths of keys.
    """

    parts: tuple[str | Path, ...]


class References:
    """The interpolations of one config.

    Args:
        raw: the config, interpolations and all, in plain containers.
        is_value: whether the node at a path is an untyped value, not a container.
    """

    def __init__(self, raw: dict[str, Any], is_value: Callable[[Path], bool]) -> None:
        self.templates: dict[Path, tuple[str, Template | None]] = {}
        self.constants: dict[Path, Any] = {}
        for path, text in _interpolations(raw, ()):
            constant = _constant(text) if is_value(path) else None
            if constant is not None:
                self.constants[path] = constant
            template = _template(text, path) if is_value(path) else None
            self.templates[path] = (text, template)

    def values(self, raw: Mapping[str, Any]) -> dict[Path, Any]:
        """What the interpolations that are left in `raw` stand for; containers are not copied.

        Raises:
            UnclearError: if one is to be read by OmegaConf, which may refuse it.
        """
        values = {}
        for path, (text, _) in self.templates.items():
            if value_at(raw, path) is text:
                values[path] = self._value(raw, path, ())
        return values

    def _value(self, raw: Mapping[str, Any], path: Path, on_the_way: tuple[Path, ...]) -> Any:
        if path in self.constants:
            return self.constants[path]
        _, template = self.templates[path]
        if template is None or path in on_the_way:
            raise UnclearError
        path_so_far = (*on_the_way, path)
        if len(template.parts) == 1:
            return self._target(raw, template.parts[0], path_so_far)
        texts = []
        for part in template.parts:
            value = part if isinstance(part, str) else self._target(raw, part, path_so_far)
            if isinstance(value, dict | list):
                raise UnclearError
            texts.append(str(value))
        return "".join(texts)

    def _target(
        self, raw: Mapping[str, Any], part: str | Path, path_so_far: tuple[Path, ...]
    ) -> Any:
        assert isinstance(part, tuple)
        value = value_at(raw, part)
        if value is NOTHING or value == MISSING:
            raise UnclearError
        if isinstance(value, str) and "${" in value:
            return self._value(raw, part, path_so_far)
        if isinstance(value, dict | list) and any(_interpolations(value, part)):
            raise UnclearError
        return value


def _interpolations(value: Any, path: Path) -> list[tuple[Path, str]]:
    if isinstance(value, str):
        return [(path, value)] if "${" in value else []
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    return [one for key, item in items for one in _interpolations(item, (*path, key))]


def _constant(text: str) -> Any:
    if not CONSTANT.fullmatch(text):
        return None
    try:
        return OmegaConf.create({"it": text}).it
    except OmegaConfBaseException:
        return None


def _template(text: str, path: Path) -> Template | None:
    """The parts of an interpolation, or None if OmegaConf has to read it."""
    parts: list[str | Path] = []
    end = 0
    for match in REFERENCE.finditer(text):
        parts += [text[end : match.start()]] if end < match.start() else []
        end = match.end()
        dots, keys = len(match[1]), tuple(match[2].split("."))
        above = path[: len(path) - dots] if dots else ()
        if dots > len(path) or any(isinstance(key, int) for key in above):
            return None
        parts.append((*above, *keys))
    parts += [text[end:]] if end < len(text) else []
    if any(isinstance(part, str) and re.search(r"[$\\]", part) for part in parts):
        return None
    return Template(tuple(parts))
