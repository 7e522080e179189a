"""Checkpoints: plain containers of tensors and numbers, loadable with `weights_only=True`."""

import cmath
import io
import os
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypedDict

import torch
from torch import Tensor, nn

from seedbed.config.hints import joined
from seedbed.errors import CheckpointError
from seedbed.process.torch_private import pickle_in
from seedbed.runs.files import printable, write_bytes
from seedbed.runs.pickles import refuse_strange_pickle
from seedbed.runs.stored import is_stored, open_stored

FORMAT = 1
PLAIN = (int, float, bool, str, type(None))


class Checkpoint(TypedDict, total=False):
    """What `last.pt` and `best.pt` hold.

    Args:
        format: of this form.
        engine: that made it; going on from another's gives the bits of neither.
        loss: the `state_dict` of a loss of the user's own.
        model, optimizer, scheduler, scaler: `state_dict`s; None where there is no scheduler.
        average: of the weights, and how many it holds; where `trainer.select` is one.
        random: the states of generators, by name.
        state: see `TrainingState`.
        callbacks: the states of those of the user's own, and why they asked for the run to stop.
        events: bytes of the event file; in `last.pt`.
    """

    format: int
    engine: str
    loss: dict[str, Any]
    model: dict[str, Any]
    optimizer: dict[str, Any]
    scheduler: dict[str, Any] | None
    scaler: dict[str, Any]
    average: dict[str, Any]
    random: dict[str, Tensor]
    state: dict[str, Any]
    callbacks: dict[str, Any]
    events: int


def copied(value: Any, into: Any = None) -> Any:
    """The same containers, tensors copied to the CPU; training on does not change them.

    Args:
        value: tensors, plain values, and dicts, lists and tuples of them.
        into: an earlier copy that is needed no more; its memory is used again where it fits.
    """
    # This runs after every epoch that is the best so far: the common kinds come first.
    kind = type(value)
    if kind in PLAIN:
        return value
    if isinstance(value, Tensor):
        if isinstance(into, Tensor) and into.shape == value.shape and into.dtype == value.dtype:
            return into.copy_(value.detach())
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        before = into if isinstance(into, dict) else {}
        return {key: copied(item, before.get(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return kind(copied(item) for item in value)
    return value


def all_finite(weights: Sequence[Tensor]) -> bool:
    """Whether no weight is NaN or infinite."""
    # Whatever is not finite reaches the sum, which is cheaper than looking at each.
    total = sum(tensor.sum().item() for tensor in weights)
    return cmath.isfinite(total) or all(bool(one.isfinite().all()) for one in weights)


SHARED = "stack "
"""Before the names of the generators that the runs of a stack draw from together."""


def random_state(device: torch.device) -> dict[str, Any]:
    """Of torch's generators."""
    state: dict[str, Any] = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def restore_random(state: Mapping[str, Any], device: torch.device) -> None:
    """Puts torch's generators where they stood."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)


def save(path: Path, content: Any) -> None:
    """Writes a checkpoint beside, flushes it to the disk and renames it.

    Raises:
        RunDirectoryError: if the disk is full or may not be written.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue(), flush=True)


def load(path: Path) -> Any:
    """The content of a `.pt` or `.pth` file, on the CPU; nothing in it is executed.

    Raises:
        CheckpointError: if there is none, or it is damaged or holds more than plain containers.
        RunDirectoryError: if it is a link, a pipe or a device.
    """
    if not is_stored(path):
        raise CheckpointError(f"no checkpoint '{path}'; the run did not get that far")
    with open_stored(path) as file:
        size = file.seek(0, os.SEEK_END)
        try:
            _refuse_bomb(file, size)
            refuse_strange_pickle(_pickle_in(file))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch warns of pickles that it then refuses
                content = torch.load(file, map_location="cpu", weights_only=True)
            _refuse_strange(content, size)
        except Exception as err:
            raise _refused(path, err, size) from err
    return content


def _refused(path: Path, err: Exception, size: int) -> CheckpointError:
    reason = printable(" ".join(str(err).split()))
    if isinstance(err, CheckpointError):
        return CheckpointError(f"'{path}' {reason}")
    if "Unsupported" in reason or "weights_only" in reason.lower() or "WeightsUnpickler" in reason:
        return CheckpointError(
            f"'{path}' holds more than weights and was not opened, as it could run code"
        )
    reason = reason.partition(". ")[0] or type(err).__name__
    return CheckpointError(f"'{path}' is damaged or cut short: {reason[:160]}; it is {size} bytes")


def _refuse_bomb(file: BinaryIO, size: int) -> None:
    """Refuses an archive that would unpack to more than it is; torch itself compresses nothing."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
        if sum(member.file_size for member in members) > size:
            raise CheckpointError("unpacks to more than its own size, which no checkpoint does")
    file.seek(0)


def _pickle_in(file: BinaryIO) -> bytes:
    """What torch will unpickle, read by torch's own reader of archives."""
    if not zipfile.is_zipfile(file):
        raise CheckpointError("is damaged or cut short, or no file of torch.save")
    file.seek(0)
    pickled = pickle_in(file)
    file.seek(0)
    return pickled


def _refuse_strange(content: Any, size: int) -> None:
    """Refuses anything but plain containers of plain values and whole tensors.

    Args:
        content: as loaded; containers in it may be shared, so that a walk of it has no end.
        size: of the file in bytes; a value takes at least one.
    """
    waiting, visited = [content], 0
    while waiting:
        value = waiting.pop()
        visited += 1
        if visited > size:
            raise CheckpointError("repeats itself without end")
        if isinstance(value, Tensor):
            _refuse_hollow(value)
        elif type(value) in (dict, OrderedDict):
            waiting += [*dict.keys(value), *dict.values(value)]
        elif type(value) in (list, tuple, set, torch.Size):
            waiting += value
        elif type(value) not in (*PLAIN, bytes, bytearray, complex):
            raise CheckpointError(
                "holds more than weights and was not opened, as it could run code"
            )


def _refuse_hollow(tensor: Tensor) -> None:
    """Refuses a tensor that says to have more values than the file holds for it."""
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
        raise CheckpointError("holds tensors that are no plain arrays of numbers")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise CheckpointError("holds a tensor of more values than it has room for")


def refuse_no_best(checkpoint: Any, run: Path, instead: str) -> None:
    """Refuses the checkpoint of a run that has no best epoch; it holds the latest weights then.

    Args:
        checkpoint: as loaded; a damaged one is refused elsewhere.
        run: its directory.
        instead: what to type.

    Raises:
        CheckpointError: with what to type.
    """
    best: Any = checkpoint
    for key in ("state", "best"):
        best = best.get(key) if isinstance(best, dict) else None
    if isinstance(best, dict) and best.get("epoch") == 0:
        monitor = printable(str(best.get("monitor")))
        raise CheckpointError(
            f"'{run}' has no best epoch, as {monitor} was a number in none; type {instead}"
        )


def load_weights(model: nn.Module, weights: Any, path: Path) -> None:
    """Puts a `state_dict` into a model, all of it.

    Raises:
        CheckpointError: see `refuse_other_weights`.
    """
    refuse_other_weights(model, weights, path)
    model.load_state_dict({printable(str(name)): tensor for name, tensor in weights.items()})


def refuse_other_weights(model: nn.Module, weights: Any, path: Path) -> None:
    """Refuses a `state_dict` that is not of a model, or not all of it.

    Args:
        model: built from the config.
        weights: the `state_dict`.
        path: where it came from, for errors.

    Raises:
        CheckpointError: naming the first tensor that is missing, too many, or of another shape.
    """
    if not isinstance(weights, Mapping):
        raise CheckpointError(f"'{path}' holds no state_dict")
    weights = {printable(str(name)): tensor for name, tensor in weights.items()}
    expected = model.state_dict()
    for name, tensor in weights.items():
        if name in expected and isinstance(tensor, Tensor) and tensor.shape != expected[name].shape:
            raise CheckpointError(
                f"'{path}' is of another model: {name} is {tuple(tensor.shape)}, the config builds "
                f"{tuple(expected[name].shape)}"
            )
    missing = [name for name in expected if name not in weights]
    surplus = [name for name in weights if name not in expected]
    if missing or surplus:
        raise CheckpointError(
            f"'{path}' is of another model: it holds {joined(weights, 6) or 'nothing'}; the config "
            f"builds {joined(expected, 6)}"
        )
    for name, tensor in expected.items():
        if isinstance(tensor, Tensor) and not isinstance(weights[name], Tensor):
            raise CheckpointError(f"'{path}' is damaged: {name} is no tensor")
