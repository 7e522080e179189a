"""Reads the configs of many runs: most blocks of their YAML are the same, and are read once.

A config as Seedbed writes it is a block for each key at its top. Where a text is not of that form,
YAML reads it whole.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from typing import Any

import yaml

from seedbed.errors import RunDirectoryError
from seedbed.runs.files import YamlLoader, printable
from seedbed.runs.yaml_bombs import refuse_bomb

KEY_AT_START = re.compile(r"^(?=[^\s\-#\]}])", flags=re.MULTILINE)
"""Where a block begins; what begins with one of those belongs to the block before."""

ONE_KEY = re.compile(r"[A-Za-z_]\w*:[ \n]")
"""How a block must begin, so that it means the same alone and among others; no anchor, no merge."""

LONGEST_BLOCK = 16384
"""Characters of a block that is remembered."""

MOST_BLOCKS = 4096

PLAIN = (str, int, float, bool, type(None))

REFERENCE = re.compile(r"\$\{[^{}]*\}")

CHOICES = re.compile(r"^( *)choices:\n((?:\1 +[\w/@.-]+: .*\n)+)", flags=re.MULTILINE)
"""In `hydra.yaml`, which is too long to be read whole for each run."""

Pairs = tuple[tuple[str, Any], ...]
"""Dotted keys and their values."""


def flat_settings(text: str) -> dict[str, Any]:
    """A config by dotted keys: plain values and lists.

    Raises:
        RunDirectoryError: without the name of the file, if it is no config.
        yaml.YAMLError: if it is no YAML.
    """
    return dict(chain.from_iterable(_parts(text)))


def flattened(config: Mapping[str, Any]) -> dict[str, Any]:
    """A resolved config as `flat_settings` has it.

    Args:
        config: in plain containers.
    """
    return dict(_flat(config, ""))


def references(text: str) -> frozenset[str]:
    """Keys of an unresolved config whose values are made of other keys' values alone.

    A value that a resolver makes, such as `${now:…}`, is news of its own.
    """
    if "${" not in text:
        return frozenset()
    return _referring(tuple(block for block in _blocks(text) if "${" in block))


def group_choices(hydra_text: str) -> dict[str, str | None]:
    """The options chosen of the config's groups, as `hydra.yaml` tells them; not Hydra's own."""
    match = CHOICES.search(hydra_text)
    return dict(_chosen(match[2])) if match else {}


@lru_cache(256)
def _referring(blocks: tuple[str, ...]) -> frozenset[str]:
    found: set[str] = set()
    for block in blocks:
        with suppress(yaml.YAMLError, RunDirectoryError):
            pairs = _pairs_of_block(block)
            found |= {key for key, value in pairs if isinstance(value, str) and _refers(value)}
    return frozenset(found)


def _refers(value: str) -> bool:
    parts = REFERENCE.findall(value)
    rest = REFERENCE.sub("", value)  # an interpolation inside another would still stand in it
    return bool(parts) and not any(":" in one for one in parts) and "${" not in rest


@lru_cache(256)
def _chosen(lines: str) -> Pairs:
    if len(lines) > LONGEST_BLOCK:
        return ()
    pairs = (line.strip().partition(": ")[::2] for line in lines.splitlines())
    return tuple(
        (group, None if option == "null" else printable(option.strip("'\"")))
        for group, option in pairs
        if not group.startswith("hydra/")
    )


def _parts(text: str) -> Iterator[Pairs]:
    blocks = _blocks(text)
    try:
        yield from [_pairs_of_block(one) for one in blocks]
    except (yaml.YAMLError, RunDirectoryError):
        if len(blocks) == 1:
            raise
        yield _pairs(text)  # which says what is wrong, if anything is


def _blocks(text: str) -> list[str]:
    """The text in pieces; one piece where it is not of our own form.

    What names an anchor of another piece cannot be read alone, and is then read with the whole.
    """
    blocks = [block for block in KEY_AT_START.split(text) if block]
    return blocks if blocks and all(ONE_KEY.match(block) for block in blocks) else [text]


def _pairs_of_block(block: str) -> Pairs:
    return _short(block) if len(block) < LONGEST_BLOCK else _pairs(block)


def _pairs(text: str) -> Pairs:
    refuse_bomb(text)
    try:
        content = yaml.load(text, Loader=YamlLoader)
    except yaml.YAMLError:
        raise
    except Exception as err:  # YAML's constructors raise many kinds, such as for !!int 'x'
        raise RunDirectoryError(f"is not plain YAML: {err}") from err
    if not isinstance(content, dict):
        raise RunDirectoryError("is not the config of a run")
    return tuple(_flat(content, ""))


_short = lru_cache(MOST_BLOCKS)(_pairs)


def _flat(mapping: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in mapping.items():
        name = f"{prefix}{printable(str(key))}"
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{name}.")
        else:
            yield name, plain(value)


def plain(value: Any) -> Any:
    """The value in what JSON has too; control characters in texts are written out."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {printable(str(key)): plain(one) for key, one in value.items()}
    return printable(str(value))  # a date of YAML's
