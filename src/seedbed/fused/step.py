"""The arithmetic of one step for every run of a stack, from the model as it is.

The model is called as a function of its weights, and `vmap` runs it over all of them. For modules
whose `forward` is known to be a function alone the whole step is written out once (`tracing.py`),
and carried out by faster operations (`rewriting.py`).

Gradients are taken outside of `vmap`, once for all runs. Recurrent layers are taken by `vmap` only
where each run's gradient is taken inside of it, which takes them apart.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vjp, vmap

from seedbed.data.packing import Packing
from seedbed.fused.cuda_graph import Replayed
from seedbed.fused.flat import Layout, Named
from seedbed.fused.pure import is_pure, is_pure_loss
from seedbed.fused.rewriting import faster
from seedbed.fused.runs_last import RunsLast
from seedbed.fused.tracing import Function, NotRecordableError, recorded
from seedbed.models.build import output_of
from seedbed.models.calling import arguments, forwarded
from seedbed.models.copies import copied_model
from seedbed.models.frozen import set_training
from seedbed.process.torch_private import without_fallback_warnings
from seedbed.tasks.head import TaskHead
from seedbed.tasks.losses import stackable_loss
from seedbed.training.device import autocast
from seedbed.training.own_step import Given, OwnStep

Stepped = tuple[Tensor, Tensor, Named]
Learnt = tuple[Tensor, Tensor, tuple[Named, Named]]
"""Gradients and losses; buffers, and what a step of the user's own gives beside the loss."""

Randomness = Literal["error", "different", "same"]

UNBATCHED = "Batching rule not implemented"
"""What torch says of an operation that `vmap` takes only after it was taken apart."""


class StackedModel:
    """A model as a function of the weights of many.

    Args:
        model: one of them; copied, and never trained.
        layout: where its parameters lie in a row.
        head: the loss.
        randomness: what happens where the model draws at random; as in `torch.func.vmap`.
        precision: the type for matrix products, or None for that of the weights.
        written_out: whether a step is, where that can be. In training it is however few steps there
            are, as bits would depend on how many the others make; that takes as long as it saves in
            20 to 50 steps, and a trial makes a few.
        frozen_eval: whether layers without a trainable parameter stay in evaluation mode.
        packing: how rows of several tensors lie in one.
        step: of the user's own, that makes the loss of a batch; None for the head's.
    """

    def __init__(
        self,
        model: nn.Module,
        layout: Layout,
        head: TaskHead,
        randomness: Randomness,
        *,
        precision: torch.dtype | None = None,
        written_out: bool = True,
        frozen_eval: bool = False,
        packing: Packing | None = None,
        step: OwnStep | None = None,
    ) -> None:
        self.packing = packing
        self.model = copied_model(model)
        self.stepped = None if step is None else Stepper(self.model, step)
        self.beside: Named = {}  # what the step gave in the last gradient
        self.frozen_eval = frozen_eval
        set_training(self.model, frozen_eval=frozen_eval)
        self.layout = layout
        self.randomness = randomness
        self.precision = precision
        self.traced = (
            written_out
            and step is None
            and randomness == "error"
            and packing is None
            and is_pure(model)
            and is_pure_loss(head.loss_function)
        )
        self.inside = any(isinstance(one, nn.RNNBase | nn.RNNCellBase) for one in model.modules())
        self._loss_of = stackable_loss(head)
        self._learnt_from = vmap(self._loss, randomness=randomness)
        self._output = vmap(self._forward, randomness=randomness)
        self._losses = vmap(self._loss_of)
        self.captures = False  # steps as graphs of CUDA
        self.latest: Function | None = None  # of a step, as it was carried out last
        self._written: dict[tuple[Any, ...], Function] = {}
        self._not_recordable: set[str] = set()
        self._as_rows = torch.empty(0)

    def gradient(self, weights: Tensor, buffers: Named, x: Tensor, y: Tensor) -> Stepped:
        """The gradients, the losses and the buffers after a batch.

        The next step may write its gradients over these.

        Shape:
            weights (runs, width), buffers (runs, …), x (runs, batch, …), y (runs, batch, …) ->
            gradients (runs, width), losses (runs,), buffers
        """
        tensors = (weights, x, y, *buffers.values())
        self.latest = written = self._written.get(_key("step", tensors))
        if written:
            gradients, losses, *changed = written(*tensors)
            return gradients, losses, dict(zip(buffers, changed, strict=True))
        with without_fallback_warnings():
            try:
                gradients, losses, *changed = self._step(buffers, tensors)(*tensors)
            except RuntimeError as err:
                if not self._goes_inside(err):
                    raise
                gradients, losses, *changed = self._step(buffers, tensors)(*tensors)
        if self.stepped is not None:
            changed, beside = changed[: len(buffers)], changed[len(buffers) :]
            self.beside = dict(zip(self.stepped.step.names or (), beside, strict=True))
        return gradients, losses, dict(zip(buffers, changed, strict=True))

    def _step(self, buffers: Named, tensors: Sequence[Tensor]) -> Function:
        """Of tensors alone: weights, x, y and the buffers."""
        self.latest = self._written_step(buffers, tensors)
        return self.latest

    def _written_step(self, buffers: Named, tensors: Sequence[Tensor]) -> Function:
        def step(weights: Tensor, x: Tensor, y: Tensor, *kept: Tensor) -> list[Tensor]:
            named = dict(zip(buffers, kept, strict=True))
            found = self._gradients_inside if self.inside else self._gradients
            gradient, losses, (changed, beside) = found(weights, named, x, y)
            return [one.detach() for one in (gradient, losses, *changed.values(), *beside.values())]

        return self._written_out("step", step, tensors)

    def _gradients(self, weights: Tensor, buffers: Named, x: Tensor, y: Tensor) -> Learnt:
        """No run's loss depends on another's weights: the gradient of their sum is each one's."""
        with torch.enable_grad():
            rows = weights.detach().requires_grad_()
            losses, changed = self._learnt_from(self.layout.views(rows), buffers, x, y)
            (gradient,) = torch.autograd.grad(losses.sum(), rows)
        return gradient, losses, changed

    def _gradients_inside(self, weights: Tensor, buffers: Named, x: Tensor, y: Tensor) -> Learnt:
        named = self.layout.views(weights.detach())
        learnt_from = vmap(grad_and_value(self._loss, has_aux=True), randomness=self.randomness)
        with torch.enable_grad(), _taken_apart():
            gradients, (losses, changed) = learnt_from(named, buffers, x, y)
        return self.layout.row(gradients), losses, changed

    def _goes_inside(self, err: RuntimeError) -> bool:
        """Whether gradients are to be taken inside `vmap` from now on, after it failed outside."""
        if self.inside or UNBATCHED not in str(err):
            return False
        self.inside = True
        return True

    def _written_out(self, name: str, step: Function, tensors: Sequence[Tensor]) -> Function:
        if not self.traced or name in self._not_recordable:
            return step
        key = _key(name, tensors)
        if key not in self._written:
            try:
                self._written[key] = self._as_fast(name, step, tensors)
            except NotRecordableError:
                self._not_recordable.add(name)
                return step
        return self._written[key]

    def _as_fast(self, name: str, step: Function, tensors: Sequence[Tensor]) -> Function:
        if name == "step" and self.layout.runs_last:
            return RunsLast(step, tensors)
        fast = faster(recorded(step, tensors), tensors, keeps=name == "step")
        return Replayed(fast) if self.captures and name == "step" else fast

    def forget(self) -> None:
        """Drops what was written out for another number of runs."""
        self._written.clear()

    def outputs(self, weights: Tensor, buffers: Named, x: Tensor) -> Tensor:
        """Predictions, in evaluation.

        Shape:
            weights (runs, width), x (runs, rows, …) -> (runs, rows, outputs)
        """
        self.model.eval()  # the same module: it may count in training what it needs here
        tensors = (self._rows(weights), x, *buffers.values())
        try:
            with without_fallback_warnings():
                (found,) = self._evaluation(buffers, tensors)(*tensors)
        except RuntimeError as err:
            if not self._goes_inside(err):
                raise
            (found,) = self._evaluation(buffers, tensors)(*tensors)
        finally:
            set_training(self.model, frozen_eval=self.frozen_eval)
        return found

    def _rows(self, weights: Tensor) -> Tensor:
        """Weights as rows, in the same memory each time."""
        if not self.layout.runs_last:
            return weights
        if self._as_rows.shape != weights.shape:
            self._as_rows = torch.empty_like(weights, memory_format=torch.contiguous_format)
        return self._as_rows.copy_(weights)

    def _evaluation(self, buffers: Named, tensors: Sequence[Tensor]) -> Function:
        """Of tensors alone: weights, x and the buffers."""

        def outputs(weights: Tensor, x: Tensor, *kept: Tensor) -> list[Tensor]:
            named = dict(zip(buffers, kept, strict=True))
            return [self._evaluated(self.layout.views(weights), named, x)]

        return self._written_out("outputs", outputs, tensors)

    def _evaluated(self, weights: Named, buffers: Named, x: Tensor) -> Tensor:
        if not self.inside:
            outside: Tensor = self._output(weights, buffers, x)
            return outside
        with _taken_apart():
            inside: Tensor = vmap(self._forward_inside, randomness=self.randomness)(
                weights, buffers, x
            )
        return inside

    def losses(self, outputs: Tensor, y: Tensor) -> Tensor:
        """The mean loss of each run.

        Shape:
            outputs (runs, rows, outputs), y (runs, rows, …) -> (runs,)
        """
        with autocast(self.precision, outputs.device):
            found: Tensor = self._losses(outputs, y)
        return found

    def measured(self, weights: Tensor, buffers: Named, x: Tensor, y: Tensor) -> Named:
        """What the step of the user's own gives in evaluation, the loss among it.

        Shape:
            weights (runs, width), x (runs, rows, …), y (runs, rows, …) -> each (runs,)
        """
        self.model.eval()
        named = self.layout.views(self._rows(weights))
        try:
            with without_fallback_warnings():
                return self._measured(named, buffers, x, y)
        except RuntimeError as err:
            if not self._goes_inside(err):
                raise
            return self._measured(named, buffers, x, y)
        finally:
            set_training(self.model, frozen_eval=self.frozen_eval)

    def _measured(self, weights: Named, buffers: Named, x: Tensor, y: Tensor) -> Named:
        if not self.inside:
            return dict(vmap(self._given, randomness=self.randomness)(weights, buffers, x, y))
        with _taken_apart():
            inside = vmap(self._given_inside, randomness=self.randomness)
            return dict(inside(weights, buffers, x, y))

    def _given(self, weights: Named, buffers: Named, x: Tensor, y: Tensor) -> Named:
        loss, (_, beside) = self._loss(weights, buffers, x, y)
        return {"loss": loss, **beside}

    def _given_inside(self, weights: Named, buffers: Named, x: Tensor, y: Tensor) -> Named:
        with torch.enable_grad():
            found: Any = vjp(lambda named: self._loss(named, buffers, x, y), weights, has_aux=True)
        loss, _, (_, beside) = found
        return {"loss": loss.detach(), **{name: one.detach() for name, one in beside.items()}}

    def _loss(
        self, weights: Named, buffers: Named, x: Tensor, y: Tensor
    ) -> tuple[Tensor, tuple[Named, Named]]:
        changed = {name: tensor.clone() for name, tensor in buffers.items()}
        with autocast(self.precision, x.device):
            if self.stepped is not None:
                own = unpacked(x, self.packing)
                loss, beside = self.stepped.given((weights, changed), own, y)
                return loss, (changed, beside)
            output = output_of(self._called((weights, changed), x))
            return self._loss_of(output, y), (changed, {})

    def _forward(self, weights: Named, buffers: Named, x: Tensor) -> Tensor:
        with autocast(self.precision, x.device):
            return output_of(self._called((weights, buffers), x))

    def _called(self, tensors: tuple[Named, Named], x: Tensor) -> Any:
        if self.packing is None:
            return functional_call(self.model, tensors, (x,))
        args, named = arguments(self.model, self.packing.unpacked(x))
        return functional_call(self.model, tensors, args, named)

    def _forward_inside(self, weights: Named, buffers: Named, x: Tensor) -> Tensor:
        with torch.enable_grad():
            found: Any = vjp(lambda named: self._forward(named, buffers, x), weights)
        output: Tensor = found[0]
        return output.detach()


class Stepper(nn.Module):
    """A step of the user's own as the `forward` of a module that holds the model.

    So the model that the step is handed has the weights of a run in place of its own, whatever of
    it is called or looked at.

    Args:
        model: which is handed to the step.
        step: of the user's own.
    """

    def __init__(self, model: nn.Module, step: OwnStep) -> None:
        super().__init__()
        self.model = model
        self.step = step

    def forward(self, x: Any, y: Any) -> Given:
        """What the step gives."""
        return self.step(self.model, x, y)

    def given(self, tensors: Sequence[Named], x: Any, y: Any) -> Given:
        """What the step gives of a model with these parameters and buffers."""
        own = tuple({f"model.{name}": one for name, one in some.items()} for some in tensors)
        given: Given = functional_call(self, own, (x, y))
        return given


def _key(name: str, tensors: Sequence[Tensor]) -> tuple[Any, ...]:
    return (name, *((one.shape, one.stride()) for one in tensors))


@contextmanager
def _taken_apart() -> Iterator[None]:
    """Keeps torch from handing recurrent layers whole to a library that `vmap` cannot enter."""
    library: Any = torch.backends.mkldnn
    enabled = library.enabled
    library.enabled = False
    try:
        yield
    finally:
        library.enabled = enabled


def single_step(
    model: nn.Module,
    head: TaskHead,
    x: Tensor,
    y: Tensor,
    packing: Packing | None = None,
    step: OwnStep | None = None,
) -> None:
    """Leaves the gradients of a batch in the parameters of one run's model.

    Shape:
        x (batch, …), y (batch, …)
    """
    if step is None:
        loss = head.loss(output_of(called_alone(model, x, packing)), y)
    else:
        loss, _ = step(model, unpacked(x, packing), y)
    loss.backward()


def unpacked(x: Tensor, packing: Packing | None) -> Any:
    """Rows of a stack as a run by itself has them."""
    return x if packing is None else packing.unpacked(x)


def called_alone(model: nn.Module, x: Tensor, packing: Packing | None) -> Any:
    """What the model of one run returns for rows of a stack.

    Shape:
        x (batch, …)
    """
    return model(x) if packing is None else forwarded(model, packing.unpacked(x))
