"""Rows and models that a program hands in: what a config says of them, how they are found."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from os import fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed.api.built_modules import built_module, class_of, fingerprint_of
from seedbed.compose.composed import ComposedConfig
from seedbed.config.check import CheckedGroups, checked
from seedbed.config.overrides import overrides_of
from seedbed.config.shorthand import option_of_file
from seedbed.errors import ArgumentError, DataError
from seedbed.handed_in import KEY, handing_in

if TYPE_CHECKING:
    from torch import nn

    from seedbed.tables.memory_table import MemoryTable

MOST_COLUMNS = 1000
"""Columns that the config names."""

DIGITS = 16
"""Of a fingerprint."""


@dataclass(frozen=True)
class Handed:
    """What a program hands in beside its overrides; nothing where both are None.

    Args:
        table: rows to train on.
        module: a model to train.
        overrides: that go with them.
        items: by the fingerprint that the config has.
    """

    table: "MemoryTable | None" = None
    module: "nn.Module | None" = None
    overrides: Sequence[str] = ()
    items: Mapping[str, Any] = field(default_factory=dict)

    @contextmanager
    def found(self) -> Iterator[None]:
        """Inside, what builds runs finds them."""
        with handing_in(self.items):
            yield

    def into(self, *jobs: ComposedConfig) -> list[ComposedConfig]:
        """The configs of runs, with what they say of them; those share what they shared before."""
        if not self.items:
            return list(jobs)
        checks, rows, model = CheckedGroups(), self._rows(), self._model()
        data: dict[int, tuple[Any, dict[str, Any]]] = {}  # with the group, so that its id stays its
        configs = []
        for one in jobs:
            resolved, raw = dict(one.resolved), dict(one.raw)
            for whole in (resolved, raw):
                group = whole["data"]
                whole["data"] = data.setdefault(id(group), (group, {**group, **rows}))[1]
                whole["model"] = model or whole["model"]
            configs.append(replace(one, config=checked(resolved, checks), raw=raw))
        return configs

    def _rows(self) -> dict[str, Any]:
        """What `data` says of the rows."""
        if self.table is None:
            return {}
        names = list(self.table.names)
        return {
            "columns": names if len(names) <= MOST_COLUMNS else [],
            "fingerprint": self._key(self.table),
        }

    def _model(self) -> dict[str, Any]:
        """The group `model` of a built module."""
        if self.module is None:
            return {}
        return {"_target_": class_of(self.module), KEY: self._key(self.module)}

    def _key(self, item: Any) -> str:
        return next(key for key, one in self.items.items() if one is item)


def handed(
    overrides: Sequence[str],
    data: Any = None,
    target: str | Sequence[str] | None = None,
    model: "nn.Module | None" = None,
) -> Handed:
    """What a program hands in to train on, or to be trained.

    Args:
        overrides: that it gives.
        data: the rows, or None.
        target: names of the columns to predict; None where the overrides, or `data`, name them.
        model: a built module, or None.

    Raises:
        ArgumentError: for what is no override, or one about what is handed in.
        DataError: if the rows are none, or have no target.
        ModelError: if the model is no module.
    """
    refuse_no_override(overrides)
    target = _target(target)
    more: list[str] = []
    table = None
    if data is not None:
        refuse_about(overrides, "data", "the rows", ("data", "data.path", "data.source"))
        if target is not None:
            refuse_about(overrides, "target", "the name", ("data.target",))
        table, names = rows_of(data, target)
        named = any(one.lstrip("+").startswith("data.target=") for one in overrides)
        if not names and not named:
            raise DataError(
                "target: name the column to predict, such as target='price'; columns are "
                f"{', '.join(list(table.names)[:12])}"
            )
        more = ["data=memory", *(overrides_of({"data.target": names}) if names else [])]
    elif target is not None:
        more = overrides_of({"data.target": target})
    if model is not None:
        refuse_about(overrides, "model", "a built model", ("model",))
    return Handed(table, model, more, _items(table, built_module(model)))


def _target(target: Any) -> str | list[str] | None:
    """What `target=` names.

    Raises:
        DataError: if that is no name of a column, nor names.
    """
    from seedbed.tables.memory_table import column_name

    if target is None:
        return None
    if isinstance(target, Iterable) and not isinstance(target, str | bytes):
        return [column_name(one, "target") for one in target]
    return column_name(target, "target")


def rows_of(data: Any, target: str | Sequence[str] | None) -> "tuple[MemoryTable, str | list[str]]":
    """The table, and the names of its targets as far as they are told."""
    # Imported here: Arrow is needed for these rows alone.
    from seedbed.tables.memory_table import pair_in_memory, table_in_memory

    if isinstance(data, tuple) and len(data) == 2:
        table, names = pair_in_memory(*data, target)
        return table, names[0] if len(names) == 1 else names
    try:
        table = table_in_memory(data)
    except DataError as err:
        if not isinstance(data, str | Path):
            raise
        option = option_of_file(str(data)) or "csv"
        raise DataError(
            f"{err}; a file is given by the overrides 'data={option}', 'data.path={data}'"
        ) from err
    if not len(table):
        raise DataError("data has no rows")
    if target is None:
        return table, []
    return table, target if isinstance(target, str) else list(target)


def _items(table: "MemoryTable | None", module: "nn.Module | None") -> dict[str, Any]:
    items: dict[str, Any] = {}
    if table is not None:
        items[table.fingerprint()[:DIGITS]] = table
    if module is not None:
        items[fingerprint_of(module)[:DIGITS]] = module
    return items


def starting_from(init: Any, overrides: Sequence[str]) -> list[str]:
    """The overrides, with what a run starts from.

    Args:
        init: a run, its directory, or a file of weights; None for nothing.
        overrides: that a program gives.

    Raises:
        ArgumentError: if it is none of these, or the overrides name another.
    """
    if init is None:
        return list(overrides)
    try:
        name = fspath(init)
    except TypeError as err:
        raise ArgumentError(
            f"init must be a Run or the name of its folder, got {type(init).__name__}"
        ) from err
    refuse_about(overrides, "init", "what to start from", ("init.run", "init.weights"))
    key = "init.weights" if Path(name).is_file() else "init.run"
    return [*overrides, *overrides_of({key: str(name)})]


def refuse_about(overrides: Sequence[str], argument: str, what: str, keys: Sequence[str]) -> None:
    """Refuses overrides that are about what an argument gives.

    Raises:
        ArgumentError: naming the first.
    """
    for one in overrides:
        key = one.lstrip("+~").partition("=")[0] if isinstance(one, str) else ""
        if key in keys or (argument == "model" and key.startswith("model.")):
            raise ArgumentError(f"{argument}= gives {what}; leave out it or '{one[:100]}'")


def refuse_no_override(overrides: Sequence[object]) -> None:
    """Refuses what is no override.

    Raises:
        ArgumentError: naming the first.
    """
    for one in overrides:
        if not isinstance(one, str):
            hint = ""
            if isinstance(one, list | tuple):
                hint = "; put a * in front of it, which gives them one by one"
            elif isinstance(one, Mapping):
                hint = f"; type {', '.join(map(repr, overrides_of(one)))}"
            elif hasattr(one, "columns"):
                hint = "; rows are given as data="
            raise ArgumentError(
                f"an override must be a text such as 'optimizer.lr=0.01', got "
                f"{type(one).__name__}{hint}"[:400]
            )
        if one.startswith("-"):
            raise ArgumentError(f"'{one[:60]}' is a flag of the command line, not an override")
