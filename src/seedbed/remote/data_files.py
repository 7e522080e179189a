"""The files of rows that a config or an argument names: those at URLs are brought here first."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from seedbed.errors import DataError, SeedbedError
from seedbed.remote.brought import brought_from
from seedbed.remote.urls import FILE, WrongUrl, is_url, local_path, parsed
from seedbed.runs.data_paths import FILE_KEYS
from seedbed.runs.opening import justified_by_what_came

C = TypeVar("C")


def local_files(config: C) -> tuple[C, dict[str, str]]:
    """A config of data whose files are all on this machine.

    Args:
        config: the group `data`, typed.

    Returns:
        It, and the URL of each file that was brought; the same config where no URL is in it.

    Raises:
        DataError: if one cannot be brought, naming the key.
    """
    given = {key: getattr(config, key, None) for key in FILE_KEYS}
    named = [(key, one) for key, value in given.items() for one in _each(value) if is_url(one)]
    if not named:
        return config, {}
    files = {text: str(local_file(text, f"data.{key}")) for key, text in named}
    changed = {key: _with(value, files) for key, value in given.items() if value is not None}
    return replace(config, **changed), {file: url for url, file in files.items()}  # type: ignore[type-var]


def told_by_url(fingerprint: dict[str, Any], urls: Mapping[str, str]) -> dict[str, Any]:
    """A fingerprint of data in which files that were brought have the names of their URLs."""
    if not urls:
        return fingerprint
    named = fingerprint["files"]
    for file, url in urls.items():  # what several files are together is named by all of them
        named = {name.replace(file, url): digest for name, digest in named.items()}
    return {**fingerprint, "files": named}


def local_file(text: str, key: str) -> Path:
    """A file as it is named; one at a URL is brought here.

    Args:
        text: a path, or a URL.
        key: the config key or argument that names it.

    Raises:
        DataError: if it cannot be brought.
    """
    if not is_url(text):
        return Path(text)
    # Imported here: a path needs none of it.
    from seedbed.remote.carried import carried

    try:
        url = parsed(text)
        if url.scheme == FILE:
            return local_path(url)
        file = Path(carried("fetch", here=url.scheme == "memory", urls=[str(url)])[str(url)])
    except WrongUrl as err:
        raise DataError(f"{key}: {err}") from err
    except SeedbedError as err:
        raise DataError(*(f"{key}: {problem}" for problem in err.problems)) from err
    justified_by_what_came([file])
    brought_from(url, file)
    return file


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _with(value: Any, files: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [files.get(one, one) for one in value]
    return files.get(value, value)
