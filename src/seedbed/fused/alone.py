"""One run on its own, built and trained for a few steps to be compared with a stack."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seedbed.components import AllowList
from seedbed.fused.agreement import DiffersError, agree
from seedbed.fused.flat import Named
from seedbed.fused.single_step import called_alone, unpacked
from seedbed.fused.stack_components import StackComponents
from seedbed.models.build import output_of
from seedbed.models.frozen import set_training
from seedbed.models.plain_state import plain_state
from seedbed.models.state_walk import PlainState
from seedbed.process.no_compiler import building_without_compiler, without_compiler
from seedbed.process.torch_private import dropout_base
from seedbed.tasks.build_head import rebuilt_head
from seedbed.training.starting_model import begin, fresh_model


class Alone:
    """A run of a stack as `training/single.py` has it.

    Args:
        plan: of the stack.
        place: of the run in it.
    """

    def __init__(self, plan: StackComponents, place: int) -> None:
        config = plan.configs[place]
        allow = AllowList(config.allow)
        self.head = plan.heads[place]
        if self.head.weights_of_runs is None:
            self.head = rebuilt_head(self.head, config.loss, allow, self.head.preprocessing)
        step = plan.first.step
        self.own_step = None if step is None else replace(step, head=self.head)
        self.beside: Named = {}
        model = fresh_model(config, allow, self.head)
        begin(model, config, allow, self.head, plan.points[place])
        self.model = model.to(plan.device)
        self._frozen_eval = config.init.frozen_eval
        self._packing = plan.first.data.packing
        set_training(self.model, frozen_eval=self._frozen_eval)
        without_dropout(self.model)
        self.tensors = tensors_of(self.model)
        self.start = _copies(self.tensors)
        self.of_loss = tensors_of(self.head.loss_function)
        self.loss_start = _copies(self.of_loss)
        self.attributes = self.held()
        self.draws = False

    def held(self) -> dict[str, PlainState]:
        """What the model and the loss keep beside parameters and buffers."""
        loss = plain_state(self.head.loss_function)
        return {"": plain_state(self.model), "the loss's ": loss}

    def learns_at(self, lr: float, momentum: float, weight_decay: float) -> None:
        """Sets the optimizer up."""
        with building_without_compiler():
            built = torch.optim.SGD(
                self.model.parameters(), lr=lr, momentum=momentum, weight_decay=weight_decay
            )
        self.optimizer = without_compiler(built)

    def step(self, x: Tensor, y: Tensor) -> tuple[Tensor, Named]:
        """The loss of a batch, and the gradients that it left.

        Raises:
            DiffersError: if it draws from generators that `vmap` does not know, or a tensor is
                another one afterwards.
        """
        torchs, others = torch.get_rng_state(), _states()
        self.optimizer.zero_grad()
        if self.own_step is None:
            loss = self.head.loss(self._output(x), y.clone())
        else:
            loss, self.beside = self.own_step(self.model, self._input(x), y.clone())
        loss.backward()
        self.optimizer.step()
        if _states() != others:
            raise DiffersError("it draws from the generators of Python or NumPy")
        self.draws |= not torch.equal(torchs, torch.get_rng_state())
        self._refuse_anew()
        named = self.model.named_parameters()
        return loss.detach(), {name: one.grad for name, one in named if one.grad is not None}

    def evaluated(self, x: Tensor) -> Tensor:
        """Its outputs in evaluation.

        Raises:
            DiffersError: if a tensor is another one afterwards.
        """
        with self._evaluating():
            return self._output(x).clone()

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        self.model.eval()
        with torch.no_grad():
            yield
        set_training(self.model, frozen_eval=self._frozen_eval)
        self._refuse_anew()

    def _output(self, x: Tensor) -> Tensor:
        return output_of(called_alone(self.model, x.clone(), self._packing))

    def _input(self, x: Tensor) -> Any:
        return unpacked(x.clone(), self._packing)

    def measured(self, x: Tensor, y: Tensor) -> Named:
        """What its step gives in evaluation, the loss among it; nothing where it draws there."""
        if self.own_step is None:
            return {}
        torchs = torch.get_rng_state()
        with self._evaluating():
            loss, beside = self.own_step(self.model, self._input(x), y.clone())
        if not torch.equal(torchs, torch.get_rng_state()):
            return {}
        return {"loss": loss, **beside}

    def refuse_unsaved(self, saved: Mapping[str, str]) -> None:
        """Of what a checkpoint would not bring back.

        Args:
            saved: the tensor that stands under each name of the `state_dict`.

        Raises:
            DiffersError: naming the first.
        """
        for name, tensor in self.tensors.items():
            if name not in saved.values() and not torch.equal(tensor, self.start[name]):
                raise DiffersError(f"buffer '{name}' changes in training and is not saved")
        for name, tensor in self.of_loss.items():
            if not torch.equal(tensor, self.loss_start[name]):
                raise DiffersError(f"the loss's buffer '{name}' changes in training")
        ends = _copies(self.tensors)
        state = self.model.state_dict()
        if {name: saved.get(name) for name in state} != dict(saved):
            raise DiffersError("its state_dict has other names after training")
        for name, tensor in state.items():
            agree(f"'{name}', as it is saved,", ends[saved[name]], tensor)
        self.model.load_state_dict(state)
        self._refuse_anew()
        for name, tensor in self.tensors.items():
            agree(f"'{name}', once it is loaded,", tensor, ends[name])

    def _refuse_anew(self) -> None:
        """Of tensors that took the place of others: a stack would go on with the others."""
        now = tensors_of(self.model)
        for name in {**self.tensors, **now}:
            kind = "parameter" if isinstance(now.get(name), nn.Parameter) else "buffer"
            if name not in now or name not in self.tensors:
                raise DiffersError(f"{kind} '{name}' comes or goes in forward")
            if now[name] is not self.tensors[name]:
                raise DiffersError(f"{kind} '{name}' is assigned anew in forward")


def tensors_of(module: Any) -> Named:
    """Its parameters and buffers, by name; none of what is no module."""
    if not isinstance(module, nn.Module):
        return {}
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def without_dropout(model: nn.Module) -> None:
    """So that what torch's own layers draw hides nothing of the rest."""
    for module in model.modules():
        if isinstance(module, dropout_base):
            module.p = 0.0


def _copies(tensors: Named) -> Named:
    return {name: one.detach().clone() for name, one in tensors.items()}


def _states() -> Any:
    """Of the generators that a forward may draw from without `vmap` seeing it."""
    name, keys, *rest = np.random.get_state()
    return random.getstate(), name, np.asarray(keys).tobytes(), rest
