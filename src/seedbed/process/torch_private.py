"""Every use of torch's private names, so that a new version of torch is met in one place.

These have no public name: Adam's fused kernels, what `vmap` warns of, an archive's parts and how
it names tensors, the operations that a computation makes, a model's graph, a loader's workers, a
schedule's parts, hooks of all modules, and what stands for the compiler in `no_compiler.py`.
"""

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, BinaryIO

import torch
from torch import _foreach_copy_ as foreach_copy
from torch import _foreach_div_ as foreach_div
from torch import _foreach_lerp_ as foreach_lerp
from torch import _fused_adam_ as fused_adam
from torch import _log_softmax as log_softmax
from torch import nn
from torch._utils import _rebuild_tensor_v2 as rebuild_tensor
from torch.nn.modules.batchnorm import _BatchNorm as batch_norm
from torch.nn.modules.batchnorm import _NormBase as norm_base
from torch.nn.modules.dropout import _DropoutNd as dropout_base
from torch.nn.modules.module import _has_any_global_hook as are_modules_hooked
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

__all__ = [
    "COMPILER",
    "DispatchMode",
    "are_modules_hooked",
    "batch_norm",
    "compiler_forgotten",
    "dropout_base",
    "foreach_copy",
    "foreach_div",
    "foreach_lerp",
    "fused_adam",
    "graph_of",
    "has_stepped",
    "log_softmax",
    "norm_base",
    "number_types",
    "pickle_in",
    "quiet_profiler",
    "rebuild_tensor",
    "schedulers_in",
    "splitting_classes",
    "taken_for_compiler",
    "tree_leaves",
    "without_fallback_warnings",
    "workers_of",
]

COMPILER = "torch._dynamo"
PROFILER_LOG = "KINETO_LOG_LEVEL"

number_types = {
    *(one.__name__ for one in torch._storage_classes if one.__module__ == "torch"),
    *(str(one).removeprefix("torch.") for one in torch.storage._new_dtypes()),
    *(str(one).removeprefix("torch.") for one in torch.storage._dtype_to_storage_type_map()),
}
"""Names in torch by which a pickle tells the type of numbers; its loader takes the same."""


class DispatchMode(TorchDispatchMode):
    """A `TorchDispatchMode` that does not import torch's compiler to be left alone by it."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


def taken_for_compiler(module: ModuleType) -> None:
    """From now on torch takes a module for its compiler, which is not imported."""
    sys.modules[COMPILER] = torch._dynamo = module


def compiler_forgotten() -> None:
    """Torch imports its compiler again where it asks for it."""
    del sys.modules[COMPILER], torch._dynamo


def splitting_classes() -> tuple[type, type]:
    """What splits a model by FSDP2."""
    from torch.distributed.fsdp._fully_shard._fsdp_param_group import FSDPParamGroup
    from torch.distributed.fsdp._fully_shard._fsdp_state import FSDPState

    return FSDPParamGroup, FSDPState


class without_fallback_warnings:  # noqa: N801 - used as a function
    """Where torch says nothing of operations that `vmap` goes through run by run.

    They are as right as the others. A class, and torch's own switch, as it stands around every step
    of a stack; without that switch Python's warnings are silenced, which is slower.
    """

    __slots__ = ("before", "silenced")

    def __enter__(self) -> None:
        self.silenced: Any = None
        try:
            self.before = torch._C._debug_only_are_vmap_fallback_warnings_enabled()  # type: ignore[attr-defined]
            torch._C._functorch._set_vmap_fallback_warning_enabled(False)  # type: ignore[attr-defined]
        except AttributeError:
            self.silenced = warnings.catch_warnings()
            self.silenced.__enter__()
            warnings.filterwarnings("ignore", message="There is a performance drop")

    def __exit__(self, *error: object) -> None:
        if self.silenced is not None:
            self.silenced.__exit__(*error)
        else:
            torch._C._functorch._set_vmap_fallback_warning_enabled(self.before)  # type: ignore[attr-defined]


def pickle_in(file: BinaryIO) -> bytes:
    """What torch will unpickle of an archive that `torch.save` wrote.

    Read by torch's own reader: another one may find another member in a crafted archive.

    Raises:
        RuntimeError: if the archive is damaged.
    """
    content: bytes = torch._C.PyTorchFileReader(file).get_record("data.pkl")
    return content


def workers_of(batches: object) -> Sequence[BaseProcess]:
    """The processes of a DataLoader's iterator; none are known where torch names them otherwise."""
    return getattr(batches, "_workers", ())


def schedulers_in(scheduler: object) -> Sequence[Any]:
    """Those that one of torch's runs in turn; none of one that stands alone."""
    return getattr(scheduler, "_schedulers", ())


def has_stepped(optimizer: Any) -> None:
    """Tells torch's schedules that an optimizer made steps before it was loaded.

    They warn of an epoch's end that no step went before, as after a stop at the first epoch's last.
    """
    optimizer._opt_called = True


def graph_of(model: nn.Module, rows: Any) -> bytes:
    """A model's graph as TensorBoard shows it.

    Raises:
        RuntimeError: if the model cannot be traced.
    """
    from torch.utils.tensorboard._pytorch_graph import graph  # here: it takes 0.15 s

    definition, _ = graph(model, rows)
    content: bytes = definition.SerializeToString()
    return content


@contextmanager
def quiet_profiler() -> Iterator[None]:
    """Inside, torch's profiler prints nothing of its own on standard error."""
    before = os.environ.get(PROFILER_LOG)
    os.environ[PROFILER_LOG] = "99"
    try:
        yield
    finally:
        if before is None:
            del os.environ[PROFILER_LOG]
        else:
            os.environ[PROFILER_LOG] = before
