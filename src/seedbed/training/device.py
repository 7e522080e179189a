"""Where a run computes, and the settings of the process while it does."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from seedbed.config.schema import TrainerConfig
from seedbed.errors import DeviceError
from seedbed.process.generators import seed_torch
from seedbed.process.no_compiler import is_compiler_loaded
from seedbed.training.arithmetic import WORKSPACE
from seedbed.training.threads import using

MIXED = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def resolved_device(name: str) -> torch.device:
    """The device that `trainer.device` names; `auto` takes cuda, then mps, then cpu.

    Raises:
        DeviceError: if this machine does not have it.
    """
    has_cuda, has_mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        return torch.device("cuda" if has_cuda else "mps" if has_mps else "cpu")
    device = torch.device(name)
    count = torch.cuda.device_count()
    present = ["cpu", *(f"cuda:{index}" for index in range(count)), *(["mps"] if has_mps else [])]
    missing = {
        "cuda": not has_cuda or (device.index or 0) >= count,
        "mps": not has_mps,
        "cpu": False,
    }
    if missing[device.type]:
        raise DeviceError(
            f"trainer.device={name} is not on this machine, which has {', '.join(present)}; "
            "type trainer.device=auto"
        )
    return device


def mixed_precision(name: str, device: torch.device) -> torch.dtype | None:
    """The type that matrix products are done in, or None for float32.

    Raises:
        DeviceError: if the device does not have it.
    """
    if name == "float32":
        return None
    if name == "float16" and device.type == "cpu":
        raise DeviceError(
            "trainer.precision=float16 needs a cuda or mps device, this run has cpu; "
            "type trainer.precision=bfloat16 or float32"
        )
    if name == "bfloat16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise DeviceError(f"trainer.precision=bfloat16 is not supported by {device}")
    return MIXED[name]


def autocast(precision: torch.dtype | None, device: torch.device) -> AbstractContextManager[object]:
    """Where mixed precision applies.

    Args:
        precision: as `mixed_precision` gives it.
        device: of the tensors.
    """
    return nullcontext() if precision is None else torch.autocast(device.type, dtype=precision)


@contextmanager
def process_settings(
    trainer: TrainerConfig, device: torch.device, seed: int, threads: int
) -> Iterator[None]:
    """Torch's settings for one run, put back afterwards, so that runs in one process are alike.

    Args:
        trainer: `deterministic`.
        device: whose generator is put back too, if it is cuda.
        seed: of everything drawn from torch's global generator inside, such as dropout.
        threads: of the CPU, see `threads.py`.
    """
    deterministic = torch.are_deterministic_algorithms_enabled()
    memory: Any = torch.utils.deterministic
    fill = memory.fill_uninitialized_memory
    benchmark = torch.backends.cudnn.benchmark
    for name, value in WORKSPACE.items():
        os.environ.setdefault(name, value)
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), using(threads):
        seed_torch(seed)
        _use_deterministic(trainer.deterministic)
        memory.fill_uninitialized_memory = False
        torch.backends.cudnn.benchmark = not trainer.deterministic
        try:
            yield
        finally:
            _use_deterministic(deterministic)
            memory.fill_uninitialized_memory = fill
            torch.backends.cudnn.benchmark = benchmark


def _use_deterministic(wanted: bool) -> None:
    """As `torch.use_deterministic_algorithms`, which brings torch's compiler to tell it as well."""
    if is_compiler_loaded():
        torch.use_deterministic_algorithms(wanted)
    else:
        torch.set_deterministic_debug_mode("error" if wanted else "default")
