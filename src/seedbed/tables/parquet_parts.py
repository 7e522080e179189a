"""The Parquet files of a run in their order, with what the names of their folders tell."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from seedbed.config.hints import joined
from seedbed.errors import DataError
from seedbed.runs.data_paths import ENDINGS, Found, files_named, is_pattern, is_several, named
from seedbed.tables.file_checks import must_be_file

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""The value in the name of a folder of rows that have none."""


@dataclass(frozen=True)
class Part:
    """One file of several.

    Args:
        path: of it.
        values: of the columns that the names of its folders tell, as text; None for a missing one.
    """

    path: Path
    values: Mapping[str, str | None] = field(default_factory=dict)


def parts_of(spec: Any, key: str, *, in_memory: bool) -> list[Part]:
    """The files that `data.path` names, in the order of their rows.

    Those of a folder or a glob are sorted by their paths; those of a list come as it has them.

    Args:
        spec: of the config.
        key: the config key, for errors.
        in_memory: whether each has to fit into memory.

    Raises:
        DataError: if there is none, one cannot be read or is named twice, or their folders do not
            tell the same columns.
    """
    found: list[Found] = []
    for text in named(spec):
        own = files_named(text)
        found += own
        if not own:
            kind = "glob" if is_pattern(text) else "folder"
            raise DataError(
                f"{key}: no file ending in {' or '.join(ENDINGS)} in the {kind} '{text}'"
            )
    for one in found:
        must_be_file(one.path, key, in_memory=in_memory)
    twice = [
        path for path, count in Counter(one.path.resolve() for one in found).items() if count > 1
    ]
    if twice:
        raise DataError(f"{key} names '{twice[0]}' twice; its rows would count twice")
    parts = [Part(one.path, _values(one, key)) for one in found]
    _refuse_unequal(parts, key)
    return parts


def name_of(spec: Any, parts: Sequence[Part]) -> str:
    """What a table of several files is called in messages."""
    if not is_several(spec):
        return parts[0].path.name
    texts = named(spec)
    folder = f" of '{texts[0]}'" if len(texts) == 1 else ""
    return f"{len(parts)} file{'s' if len(parts) > 1 else ''}{folder}"


def _values(found: Found, key: str) -> dict[str, str | None]:
    if found.below is None:
        return {}
    values: dict[str, str | None] = {}
    for folder in found.path.relative_to(found.below).parts[:-1]:
        name, equals, value = folder.partition("=")
        if equals and name:
            if unquote(name) in values:
                raise DataError(f"{key}: the folders of '{found.path}' tell '{name}' twice")
            values[unquote(name)] = None if value == NO_VALUE else unquote(value)
    return values


def _refuse_unequal(parts: Sequence[Part], key: str) -> None:
    first = parts[0]
    for part in parts:
        if set(part.values) != set(first.values):
            raise DataError(
                f"{key}: the folders of '{first.path}' tell "
                f"{joined([*first.values]) if first.values else 'no column'}, those of "
                f"'{part.path}' {joined([*part.values]) if part.values else 'none'}; name folders "
                "key=value alike for all files"
            )
