"""Rows and models that an earlier run or sweep was begun with, handed in again."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed.api.built_modules import built_module, fingerprint_of
from seedbed.api.handed import DIGITS, Handed, rows_of
from seedbed.errors import ArgumentError, DataError, ModelError
from seedbed.handed_in import key_of_module
from seedbed.runs.layout import SWEEP_START, RunPaths
from seedbed.runs.reader import read_config
from seedbed.sweep.outcome import has_begun, read_sweep

if TYPE_CHECKING:
    from torch import nn


def handed_again(paths: RunPaths, data: Any = None, model: "nn.Module | None" = None) -> Handed:
    """What a run was begun with, handed in again to go on or to do it once more.

    Args:
        paths: of the run.
        data: the rows, or None.
        model: a module of the same form, or None; it is given the run's own starting weights.

    Raises:
        ArgumentError: if the run was begun without.
        DataError: if the rows are none.
        ModelError, CheckpointError: if the module is of another form, or other parameters learn.
    """
    if data is None and model is None:
        return Handed()
    config = read_config(paths)
    items: dict[str, Any] = {}
    table = module = None
    if data is not None:
        spec = config.get("data")
        key = spec.get("fingerprint") if isinstance(spec, dict) else None
        if not isinstance(spec, dict) or spec.get("source") != "memory" or not isinstance(key, str):
            raise ArgumentError(
                f"'{paths.root}' was not trained on rows in memory; leave out data="
            )
        table, _ = rows_of(data, spec.get("target"))
        items[key] = table
    if model is not None:
        key = key_of_module(config, paths.root)
        module = items[key] = _with_start(built_module(model), key, paths)
    return Handed(table, module, (), items)


def handed_to_sweep(directory: Path, data: Any = None, model: "nn.Module | None" = None) -> Handed:
    """What a sweep was begun with, handed in again; as `handed_again`."""
    if data is None and model is None:
        return Handed()
    first = next((one for one in read_sweep(directory).jobs if has_begun(directory, one)), None)
    if first is None:
        raise ArgumentError(f"no job of '{directory}' has begun; begin the sweep anew")
    given = handed_again(RunPaths(directory / first.directory), data, model)
    if given.table is not None and given.table.fingerprint()[:DIGITS] not in given.items:
        raise DataError(f"data: the rows are not those of the sweep '{directory}'")
    return given


def _with_start(module: "nn.Module", key: str, paths: RunPaths) -> "nn.Module":
    """A copy of the module with the weights that the run, or its sweep, began with.

    Raises:
        ModelError: if it is not the module that has the fingerprint then.
    """
    from seedbed.models.copies import copied_model
    from seedbed.runs.checkpoint import load, load_weights

    copy = copied_model(module)
    for start in (paths.start, paths.root.resolve().parent / SWEEP_START):
        if start.is_file():
            load_weights(copy, load(start), start)
            if fingerprint_of(copy)[:DIGITS] != key:
                raise ModelError(
                    f"model: this {type(module).__name__} is not the one that '{paths.root}' was "
                    "begun with: its class, its layers or which parameters learn "
                    "(requires_grad) differ; build it as it was built then"
                )
            break
    return copy
