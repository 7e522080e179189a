"""Where Hydra reads configs, and what it was told there, so that it can be asked again.

What was made of some files is the same as now if every answer still is: which of the sources has a
file, and its bytes. A file's date is no answer: an edit within the same second would go unseen.
"""

import os
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from hydra._internal.config_repository import CachingConfigRepository, ConfigRepository
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource

from seedbed.compose.latest import Latest, read_again, written

READ_HERE = {
    "hydra._internal.core_plugins.file_config_source.FileConfigSource",
    "hydra._internal.core_plugins.importlib_resources_config_source.ImportlibResourcesConfigSource",
    "hydra._internal.core_plugins.structured_config_source.StructuredConfigSource",
}
"""Sources of which we know what they read; another plugin's may read from anywhere. By name: Hydra
loads the modules of its plugins once more than an import does."""

MOST_FILES = 500
"""Whose content is kept; most take a kilobyte."""

SETTLED = re.compile(rb"\$\{(?:\.*[A-Za-z_][\w.]*|now:[^${}]*|oc\.env:(\w+)(?:,[^${}]*)?)\}")
"""Interpolations that give a composition the same whenever it is made, in the same environment."""

Question = tuple[str, str]

_files: Latest[bytes] = Latest(MOST_FILES)


class AskedRepository(CachingConfigRepository):
    """Hydra's configs by their names, with a note of what was asked and answered.

    Args:
        search_path: where they are looked for.

    Attributes:
        answers: what was told so far.
        is_settled: whether the same answers mean the same config.
    """

    def __init__(self, search_path: ConfigSearchPath) -> None:
        # Without Hydra's own, which copies the whole ConfigStore; we change nothing in there.
        self.delegate: ConfigRepository = ConfigRepository(search_path)
        self.cache: dict[str, ConfigResult | None] = {}
        self.answers: dict[Question, Any] = {}
        self.is_settled = True

    @property
    def sources(self) -> tuple[tuple[str, str, str], ...]:
        """What is looked through, in order."""
        return tuple(map(_told, self.delegate.get_sources()))

    def load_config(self, config_path: str) -> ConfigResult | None:
        """A config by its name with its group; None if there is none."""
        key = f"config_path={config_path}"
        if key not in self.cache:
            self.cache[key] = self._loaded(config_path)
        return self.cache[key]

    def get_group_options(
        self, group_name: str, results_filter: ObjectType | None = ObjectType.CONFIG
    ) -> list[str]:
        """The names of a group's configs."""
        self.is_settled = False  # asked for a mistake, of which nothing is kept
        return super().get_group_options(group_name, results_filter)

    def answers_again(self, answers: Mapping[Question, Any]) -> bool:
        """Whether all is answered as it was."""
        return all(self._noted(question) == answer for question, answer in answers.items())

    def _loaded(self, name: str) -> ConfigResult | None:
        answer = self._noted(("config", name))
        kept: ConfigResult | None = read_again(_files.get((name, answer)))
        result = kept or self.delegate.load_config(name)
        if result is not None:
            self.is_settled &= self._is_settled(answer, result)
        if kept is None and result is not None:
            self._keep(name, answer, result)
        return result

    def _keep(self, name: str, answer: Any, result: ConfigResult) -> None:
        """Keeps what was read, unless the file was changed while Hydra did."""
        text = written(result)
        if text is not None and self._content(name) == answer:
            _files.put((name, answer), text)
        else:
            self.is_settled = False

    def _noted(self, question: Question) -> Any:
        if question not in self.answers:
            kind, name = question
            self.answers[question] = os.environ.get(name) if kind == "env" else self._content(name)
        return self.answers[question]

    def _content(self, name: str) -> Any:
        """Where a config is, and what is in it; what is equal to nothing if that cannot be told."""
        source = self.delegate._find_object_source(name, ObjectType.CONFIG)
        if source is None:
            return None
        schema = self.delegate.get_schema_source()
        if source is not schema and schema.is_config(name):
            return object()  # Hydra merges them, and warns
        try:
            content = _bytes(source, source._normalize_file_name(name))
        except OSError:
            content = None
        return object() if content is None else (*_told(source), content)

    def _is_settled(self, answer: Any, result: ConfigResult) -> bool:
        """Whether the content alone decides; environment variables that it asks for are noted."""
        if not isinstance(answer, tuple):
            return False
        content: bytes = answer[-1]
        for variable in SETTLED.findall(content):
            if variable:
                self._noted(("env", variable.decode()))
        drawn_from = (str(vars(default)) for default in result.defaults_list or ())
        if b"${now:" in content and any("${" in one for one in drawn_from):
            return False
        is_yaml = answer[0] != "structured"
        escaped = is_yaml and b"\\" in content  # which may stand for a `$`
        return not escaped and b"${" not in SETTLED.sub(b"", content)


def _told(source: ConfigSource) -> tuple[str, str, str]:
    return source.scheme(), source.provider, source.path


def is_read_here(source: ConfigSource) -> bool:
    """Whether we know where a source reads; another plugin's may read anywhere."""
    return f"{type(source).__module__}.{type(source).__qualname__}" in READ_HERE


def _bytes(source: Any, name: str) -> bytes | None:
    if source.scheme() == "structured":
        node = source.store._load(name)
        return written((node.node, node.package, node.provider))
    if source.scheme() == "file":
        return Path(source.path, name).read_bytes()
    return resources.files(source.path).joinpath(name).read_bytes()
