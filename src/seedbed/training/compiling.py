"""`trainer.compile`: whole batches go through a model that torch's compiler made faster.

Only the batches of training do, and of these only whole ones: an epoch's last batch, of fewer rows,
and all that is measured go through the model as it is. So torch compiles once, for sizes that it
knows, which is faster than for any; what a step comes to is a function of the batch's size alone,
whatever was seen before, so that a run that goes on has the same bits; and what is measured is
measured as `seedbed evaluate` does.
"""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.config.hints import counted, did_you_mean, joined
from seedbed.config.schema import RunConfig, TrainerConfig
from seedbed.errors import ConfigError, RunFailedError
from seedbed.process.torch_private import tree_leaves
from seedbed.raised import place_in_own_code
from seedbed.training.averaging import has_batch_norm

INDUCTOR = "inductor"
"""Torch's own backend, which `trainer.compile=true` means."""

WRAPPED = "_orig_mod"
"""Where a model lies in what `torch.compile` made of it."""

LONGEST = 200
"""Characters of torch's words."""

OWN_FRAME = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')
"""How torch tells of the code that it was compiling."""


def refuse_uncompilable(
    config: RunConfig, device: torch.device, model: nn.Module | None, ranks: int
) -> None:
    """Refuses a run that cannot be compiled, as far as that can be told before it begins.

    Raises:
        ConfigError: saying why, and what to type.
    """
    trainer = config.trainer
    if not trainer.compile:
        return
    if config.loader.pads:
        raise ConfigError(
            "trainer.compile=true: torch would compile each length of loader.collate=pad anew; "
            "type trainer.compile=false"
        )
    if trainer.detect_anomaly:
        raise ConfigError(
            "trainer.detect_anomaly=true looks at the output of each layer, of which a compiled "
            "model has none; leave trainer.compile out"
        )
    if isinstance(model, torch.jit.ScriptModule) or hasattr(model, WRAPPED):
        raise ConfigError(
            "trainer.compile=true: torch compiled the model already; type trainer.compile=false"
        )
    if trainer.strategy == "fsdp":
        raise ConfigError(
            "trainer.compile=true: a model whose weights lie on many ranks is not compiled; type "
            "trainer.compile=false, or trainer.strategy=ddp"
        )
    if ranks > 1 and model is not None and has_batch_norm(model):
        raise ConfigError(
            "trainer.compile=true: batch normalisation over the rows of all ranks is not compiled; "
            f"type trainer.compile=false beside trainer.strategy={trainer.strategy}"
        )
    _refuse_backend(backend_of(trainer), device)


def backend_of(trainer: TrainerConfig) -> str:
    """What torch compiles with."""
    return INDUCTOR if trainer.compile is True else str(trainer.compile)


def _refuse_backend(backend: str, device: torch.device) -> None:
    """Refuses what torch has not, or this machine lacks the compiler for."""
    # Imported here: few runs ask for it.
    from seedbed.process.torch_compiler import CompilerError, backends, check

    if backend != INDUCTOR and backend not in (there := backends()):
        raise ConfigError(
            f"trainer.compile: torch has no backend '{backend}' here; type true, or one of "
            f"{joined(there)}{did_you_mean(backend, there)}"
        )
    if backend == INDUCTOR and device.type == "cpu":
        try:
            check()
        except CompilerError as err:
            raise ConfigError(
                f"trainer.compile=true: {err}; or type trainer.compile=false"
            ) from err


class CompiledForward:
    """The model's forward pass, compiled for whole batches.

    Args:
        model: that is trained; its weights, names and hooks stay as they are.
        rows: of a whole batch, in this process.
        backend: what torch compiles with.

    Attributes:
        was_called: whether there was a whole batch.
    """

    def __init__(self, model: nn.Module, rows: int, backend: str) -> None:
        # Imported here: it takes a second.
        from seedbed.process.torch_compiler import Compiler

        self.model = model
        self.rows = rows
        self.compiler = Compiler(backend)
        self.was_called = False
        self._plain = model.forward
        self._compiled = self.compiler.compiled(self._plain)

    def settings(self) -> AbstractContextManager[None]:
        """The settings of torch's compiler for a training, put back afterwards."""
        return self.compiler.compiling()

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside, calling the model is faster; for a step, as nobody else is to see it."""
        before = vars(self.model).get("forward")
        self.model.forward = self._forward
        try:
            yield
        finally:
            del self.model.forward
            if before is not None:
                self.model.forward = before

    def _forward(self, *args: Any, **named: Any) -> Any:
        if not self._is_whole(args, named):
            return self._plain(*args, **named)
        self.was_called = True
        with _told(self._plain):
            return self._compiled(*args, **named)

    def _is_whole(self, args: Any, named: Any) -> bool:
        """Whether a batch of training is as large as most are."""
        if not self.model.training or not torch.is_grad_enabled():
            return False
        first = next((one for one in tree_leaves((args, named)) if isinstance(one, Tensor)), None)
        return first is not None and first.ndim > 0 and len(first) == self.rows

    def report(self) -> str:
        """What is said once the first step was made."""
        compiler = self.compiler
        if not compiler.graphs:
            return "trainer.compile: torch found nothing to compile; the model trains as it is"
        told = f"trainer.compile: compiling took {compiler.seconds:.3g} s, which no other time has"
        if compiler.breaks:
            why = _short(compiler.breaks[0])
            parts = counted(compiler.graphs, "part")
            told += f"; the model is compiled in {parts}, as torch says: {why}"
        return told


@contextmanager
def _told(forward: Any) -> Iterator[None]:
    """Tells what torch cannot compile by the user's own line.

    Args:
        forward: of the model, whose first line is told where torch names none.

    Raises:
        RunFailedError: for what torch's compiler raised; what the model raised is raised as it is.
    """
    try:
        yield
    except Exception as err:
        from seedbed.process.torch_compiler import is_of_compiler, is_other_each_time

        if not is_of_compiler(err):
            raise
        what = f"{type(err).__name__}: {_short(str(err))}"
        if is_other_each_time(err):
            what = "it changes in each step what it goes by, and is compiled again and again"
        found = [(file, int(line), name) for file, line, name in OWN_FRAME.findall(str(err))]
        where = place_in_own_code(found) or place_in_own_code(_first_line(forward))
        raise RunFailedError(
            f"trainer.compile=true: torch cannot compile the model{where}: {what}; type "
            "trainer.compile=false"
        ) from err


def _first_line(function: Any) -> list[tuple[str, int, str]]:
    code = getattr(function, "__code__", None)
    return [(code.co_filename, code.co_firstlineno, code.co_name)] if code is not None else []


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
