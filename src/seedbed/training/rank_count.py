"""On how many ranks a run is trained, and what forbids it."""

from collections.abc import Sequence

import torch
from torch import nn

from seedbed.config.hints import counted, joined
from seedbed.config.schema import TrainerConfig
from seedbed.data.batches import Batches
from seedbed.errors import ConfigError, DeviceError
from seedbed.process.cores import usable_cores
from seedbed.process.place import is_of_torchrun, place_told
from seedbed.process.torch_private import batch_norm
from seedbed.training.averaging import has_batch_norm

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
"""Torch's layers whose statistics are of the rows that they see together."""


def rank_count(trainer: TrainerConfig, device: torch.device) -> int:
    """The ranks of a run; 1 where it is trained by this process alone.

    Args:
        trainer: `strategy` and `devices`.
        device: of this rank.

    Raises:
        ConfigError: if what started this process says something else.
        DeviceError: if there are not as many devices.
    """
    if not trainer.is_ranked:
        if is_of_torchrun():
            raise ConfigError(
                "torchrun started several processes, and without trainer.strategy a run has one; "
                "type trainer.strategy=ddp or fsdp, or leave torchrun out"
            )
        return 1
    if not torch.distributed.is_available():
        raise DeviceError(
            f"trainer.strategy={trainer.strategy}: this torch was built without "
            "torch.distributed; type trainer.strategy=single"
        )
    try:
        told = place_told()
    except ValueError as err:
        raise ConfigError(f"trainer.strategy={trainer.strategy}: {err}") from err
    asked = trainer.devices
    if told is not None:
        if asked not in (None, "auto", told.ranks):
            raise ConfigError(
                f"trainer.devices={asked}, and {told.ranks} ranks were started (WORLD_SIZE); "
                "leave trainer.devices out"
            )
        return told.ranks
    return _ranks_here(trainer, device)


def _ranks_here(trainer: TrainerConfig, device: torch.device) -> int:
    """Ranks that this process starts itself, on this machine."""
    asked = None if trainer.devices == "auto" else trainer.devices
    if device.type == "cpu":
        return usable_cores() if asked is None else asked
    there = torch.cuda.device_count() if device.type == "cuda" else 1
    if asked is None:
        return there
    if asked > there or (asked > 1 and trainer.device not in ("auto", device.type)):
        which = f"{there} of {device.type}" if asked > there else trainer.device
        raise DeviceError(
            f"trainer.devices={asked} needs a device for each rank, this machine has {which}; "
            f"type trainer.devices={there} trainer.device={device.type}, or trainer.device=cpu"
        )
    return asked


def device_of_rank(device: torch.device, trainer: TrainerConfig) -> torch.device:
    """The device of this rank: each has a GPU of its own."""
    if device.type != "cuda" or not trainer.is_ranked:
        return device
    place = place_told()
    return torch.device("cuda", place.local if place is not None else 0)


def refuse_unshared(ranks: int, train: Batches) -> None:
    """Refuses batches of fewer rows than ranks: a rank would never have a row.

    Raises:
        ConfigError: with what to type.
    """
    if train.batch_size < ranks:
        raise ConfigError(
            f"loader.batch_size: {ranks} ranks cannot share a batch of {train.batch_size}; type "
            f"loader.batch_size={ranks} or more, or trainer.devices={train.batch_size}"
        )


def refuse_rank_without_rows(ranks: int, train: Batches, model: nn.Module) -> None:
    """Refuses a step of the user's own that a rank might not call, beside layers that wait for it.

    Raises:
        ConfigError: with what to type.
    """
    fewest = train.rows - (len(train) - 1) * train.batch_size
    if ranks > 1 and 0 < fewest < ranks and has_batch_norm(model):
        raise ConfigError(
            f"the last batch has {counted(fewest, 'row')} for {ranks} ranks: one without a row "
            "does not call your step, and batch normalisation waits for it; type "
            "loader.drop_last=true"
        )


def looks_at_all_ranks(module: nn.Module) -> bool:
    """Whether a module normalises over the rows of all ranks: torch's layers do.

    One of a class derived from these, with a forward pass of its own, computes something else.
    """
    own = type(module).forward is not batch_norm.forward or "forward" in vars(module)
    return isinstance(module, NORMS) and not own


def rank_notes(ranks: int, device: torch.device, model: nn.Module) -> Sequence[str]:
    """What a person is told of the ranks."""
    notes = []
    cores = usable_cores()
    if ranks > 1 and device.type == "cpu" and ranks > cores and place_told() is None:
        notes.append(f"{ranks} ranks share {counted(cores, 'core')}, and wait for one another")
    norms = [one for one in model.modules() if isinstance(one, NORMS)]
    apart = {type(one).__name__: None for one in norms if not looks_at_all_ranks(one)}
    if ranks > 1 and apart:
        notes.append(
            f"batch normalisation with a forward pass of its own ({joined([*apart])}) sees the "
            "rows of each rank alone; the run may differ from that of one process"
        )
    return notes
