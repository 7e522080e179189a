"""Refuses YAML that is small to send and takes very long, or very much memory, to build.

The text is read as events, which holds nothing, before any of it is built.
"""

from dataclasses import dataclass

import yaml

from seedbed.errors import RunDirectoryError
from seedbed.runs.files import YamlLoader

DEEPEST = 64
"""Levels; libyaml's own limit is the stack."""

MOST_VALUES = 500_000
"""Of a config; a second's work is a hundred thousand."""

MOST_REPEATED = 10_000
"""Values that aliases may stand for; a few lines of them can unfold to billions."""

LONGEST_NUMBER = 400
"""Characters; in base 60, as YAML takes 1:30, it is quadratic work to read."""

ONE_VALUE = 64
"""Characters of a text that count as one value where it is repeated."""

DIGITS = frozenset("+-.0123456789")


@dataclass
class _Collection:
    """A list or mapping that is open.

    Args:
        anchor: its name, if it has one.
        before: values before it.
        is_mapping: not a list.
        nodes: in it so far, keys and values.
    """

    anchor: str | None
    before: int
    is_mapping: bool
    nodes: int = 0


class _Reading:
    """What has been read so far."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self.open: list[_Collection] = []
        self.values = 0
        self.repeated = 0

    def node(self, event: yaml.NodeEvent) -> None:
        """The beginning of a value, or a value."""
        self.values += 1
        if self.open:
            within = self.open[-1]
            is_key = within.is_mapping and within.nodes % 2 == 0
            within.nodes += 1
            if is_key and not isinstance(event, yaml.ScalarEvent):
                raise RunDirectoryError("has a key that is no name")
        if isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            is_mapping = isinstance(event, yaml.MappingStartEvent)
            self.open.append(_Collection(event.anchor, self.values - 1, is_mapping))

    def end(self) -> None:
        """The end of a collection."""
        closed = self.open.pop()
        if closed.anchor is not None:
            self.sizes[closed.anchor] = self.values - closed.before

    def refuse_too_much(self) -> None:
        """Raises RunDirectoryError if there is."""
        if len(self.open) > DEEPEST:
            raise RunDirectoryError(f"is nested more than {DEEPEST} levels deep")
        if self.repeated > MOST_REPEATED:
            raise RunDirectoryError(f"repeats more than {MOST_REPEATED} values by YAML aliases")
        if self.values > MOST_VALUES:
            raise RunDirectoryError(f"holds more than {MOST_VALUES} values")

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self.sizes:  # of what it stands in itself
            raise RunDirectoryError("holds itself, by a YAML alias")
        self.values += self.sizes[event.anchor]
        self.repeated += self.sizes[event.anchor]

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        length = len(event.value)
        if length > LONGEST_NUMBER and event.implicit[0] and event.value[0] in DIGITS:
            raise RunDirectoryError(f"holds a number of {length} digits")
        if event.anchor is not None:
            self.sizes[event.anchor] = 1 + length // ONE_VALUE


def refuse_bomb(text: str) -> None:
    """Reads the events of YAML.

    Raises:
        RunDirectoryError: without the name of the file, if it holds too much, is nested too deeply,
            repeats itself too often, or has keys that are no names.
        yaml.YAMLError: if it is no YAML.
    """
    reading = _Reading()
    for event in yaml.parse(text, Loader=YamlLoader):
        if isinstance(event, yaml.NodeEvent):
            reading.node(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            reading.end()
        reading.refuse_too_much()
