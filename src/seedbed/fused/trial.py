"""Trains two runs for some steps, each on its own and both as a stack, and compares the two.

Modules and losses that are not known to be pure are stacked only where this finds no difference.
Both sides are trained by plain SGD with momentum and decay, at a rate that keeps rounding small.
"""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.data.seeds import stream_seed
from seedbed.fused.agreement import (
    AGREEMENT,
    ROUNDING,
    DiffersError,
    RoundingAlone,
    agree,
    size,
)
from seedbed.fused.alone import Alone, tensors_of, without_dropout
from seedbed.fused.flat import Named
from seedbed.fused.optimizers import BATCHED, SGD
from seedbed.fused.stack_components import NARROWEST, StackComponents
from seedbed.fused.step import StackedModel
from seedbed.models.plain_state import first_difference, shared_state
from seedbed.models.shared_values import shared_values, values_put_back
from seedbed.process.generators import generators_put_back
from seedbed.training.device import process_settings
from seedbed.training.pure import refused_form

TWO = slice(0, NARROWEST)

WRITES_INTO_BATCH = "its forward or its loss writes into the batch that it is given"

EPOCHS = 2
"""Of the trial; of each the first two batches and the last."""

EVALUATED_NUMBERS = 2**16
"""Most inputs of a run that are evaluated; a piece of its own size, where that is no more."""

MOVED, DECAY, MOMENTUM = 1e-2, 1e-4, 0.9
"""How far a step takes the weights at most, and how much of them decays, both in parts of them."""


def found_in_trial(plan: StackComponents) -> str | None:
    """What runs do on their own and not in a stack, or would share there; None if nothing.

    Args:
        plan: of two runs or more, if possible of different seeds; neither it nor any generator is
            changed.
    """
    config = plan.configs[0]
    seed = stream_seed(config.seed, "training")
    with _undisturbed(config), process_settings(config.trainer, plan.device, seed, plan.threads):
        try:
            _Trial(plan).run()
        except DiffersError as err:
            return str(err)
    return None


@contextmanager
def _undisturbed(config: RunConfig) -> Iterator[None]:
    """The user's code may draw, and warn; it does so again when it is run in earnest."""
    with (
        warnings.catch_warnings(),
        values_put_back(AllowList(config.allow).packages),
        generators_put_back(torchs=False),
    ):
        warnings.simplefilter("ignore")
        yield


class _Trial:
    def __init__(self, plan: StackComponents) -> None:
        self.plan = plan
        self.alone = [Alone(plan, place) for place in range(NARROWEST)]
        self.shared = self._shared()
        self.model = self._untouched()
        self.weights = plan.weights[TWO].clone()
        self.kept = {name: tensor[TWO].clone() for name, tensor in plan.buffers.items()}
        self.optimizer = SGD({"nesterov": False})
        self.lr = 0.0
        self.noise = RoundingAlone()

    def run(self) -> None:
        before = self._variables()
        self._compare_builds()
        self._compare_tensors()
        self._learn_at()
        last = self.plan.batches.batches - 1
        for epoch in range(EPOCHS):
            for batch in sorted({0, min(1, last), last}):
                self._step(epoch, batch)
            self._evaluate()
            self._compare_tensors()
        self._step(EPOCHS, 0)
        self._compare_tensors()
        self._compare_attributes()
        self._refuse_counting(before)
        self._refuse_steps_of_rounding()
        for one in self.alone:
            one.refuse_unsaved(self.plan.layout.saved)

    def _variables(self) -> dict[tuple[str, str], object]:
        """Of the user's modules, where a step of theirs is called."""
        if self.plan.first.step is None:
            return {}
        return shared_values(AllowList(self.plan.configs[0].allow).packages)

    def _refuse_counting(self, before: dict[tuple[str, str], object]) -> None:
        """Of a step that leaves something behind, which the runs of a stack would share."""
        for (home, name), value in self._variables().items():
            if before.get((home, name), value) != value:
                raise DiffersError(f"'{name}' of {home} changes in training; runs would share it")

    @property
    def draws(self) -> bool:
        """Whether torch's generator is drawn from, so that no two trainings are alike."""
        return any(one.draws for one in self.alone)

    def _shared(self) -> dict[str, object]:
        one = self.alone[0]
        return {**shared_state(one.model), **shared_state(one.head.loss_function)}

    def _compare_builds(self) -> None:
        """A stack holds parameters and buffers of each run, and all else once."""
        one, other = self.alone
        seeds = {self.plan.configs[place].seed for place in range(NARROWEST)}
        between = "seeds" if len(seeds) > 1 else "two models of one seed"
        for owner, held in one.attributes.items():
            path = first_difference(held, other.attributes[owner])
            if path is not None:
                raise DiffersError(
                    f"{owner}'{path}' differs between {between} and is neither parameter nor buffer"
                )
        first, second = (
            {name: (own.shape, own.dtype, own.requires_grad) for name, own in run.tensors.items()}
            for run in self.alone
        )
        if first != second:
            raise DiffersError(f"parameters and buffers are others for {between}")
        for name, tensor in one.of_loss.items():
            if isinstance(tensor, nn.Parameter):
                raise DiffersError(f"the loss has a parameter of its own, '{name}'")
            if not torch.equal(tensor, other.of_loss[name]):
                raise DiffersError(f"the loss's buffer '{name}' differs between two losses")

    def _learn_at(self) -> None:
        """Chooses a rate from a gradient; whatever `vmap` does not take is told here."""
        x, y = self._batch(0, 0)
        model = self.plan.untouched_model()
        if model.randomness != "error":
            without_dropout(model.run.model)
        gradient, _, _ = model.gradient(self.weights, self.kept, x.clone(), y.clone())
        steepest = size(gradient)
        lr = MOVED * (size(self.weights) or 1.0) / steepest if steepest else 1.0
        self.lr = lr if 0 < lr < math.inf else 1.0
        for one in self.alone:
            one.learns_at(self.lr, MOMENTUM, DECAY / self.lr)

    def _untouched(self) -> StackedModel:
        model = self.plan.untouched_model()
        without_dropout(model.run.model)
        return model

    def _batch(self, epoch: int, batch: int) -> tuple[Tensor, Tensor]:
        x, y = next(self.plan.batches.epoch(epoch, batch))
        return x[TWO].clone(), y[TWO].clone()

    def _step(self, epoch: int, batch: int) -> None:
        x, y = self._batch(epoch, batch)
        own = [one.step(x[place], y[place]) for place, one in enumerate(self.alone)]
        given = x.clone(), y.clone()
        gradient, losses, self.kept = self.model.gradient(self.weights, self.kept, *given)
        if not (torch.equal(given[0], x) and torch.equal(given[1], y)):
            raise DiffersError(WRITES_INTO_BATCH)  # that runs may share
        for place, (loss, gradients) in enumerate(own):
            for name in self.plan.layout.trainable:
                if name not in gradients:  # torch.optim leaves it; a row of weights moves whole
                    depends = "does not depend" if epoch == batch == 0 else "no longer depends"
                    raise DiffersError(f"the loss {depends} on {name}")
            if not self.draws:
                beside = {name: values[place] for name, values in self.model.beside.items()}
                self._compare_step(
                    (losses[place], gradient[place], beside),
                    (loss, gradients, self.alone[place].beside),
                )
        numbers = {"lr": self.lr, "momentum": MOMENTUM, "weight_decay": DECAY / self.lr}
        rows = {"dampening": 0.0, **numbers}.items()
        with torch.no_grad():
            self.optimizer.step(
                self.weights,
                gradient,
                {name: gradient.new_full((NARROWEST, 1), number) for name, number in rows},
            )

    def _compare_step(
        self, found: tuple[Tensor, Tensor, Named], own: tuple[Tensor, Named, Named]
    ) -> None:
        loss, gradients, _ = own
        if not bool(loss.isfinite()):
            raise DiffersError("its loss is not finite in the first steps")
        agree("its loss", found[0], loss)
        for name, own_value in own[2].items():
            agree(f"'{name}', which the step gives,", found[2][name], own_value, ROUNDING)
        slack = ROUNDING * max(map(size, gradients.values()))
        for name, view in self.plan.layout.views(found[1]).items():
            agree(f"the gradient of '{name}'", view, gradients[name], slack)
            self.noise.take(name, view, gradients[name])

    def _refuse_steps_of_rounding(self) -> None:
        """Of gradients that are zero but for rounding, which all optimizers but SGD enlarge."""
        kind = str(self.plan.configs[0].optimizer["_target_"])
        name = self.noise.found()
        if name is not None and BATCHED[kind] is not SGD:
            raise DiffersError(
                f"the gradient of '{name}' is zero but for rounding, of which "
                f"{kind.rpartition('.')[2]} makes whole steps"
            )

    def _evaluate(self) -> None:
        """Compares outputs in evaluation; where masks are drawn, of the weights that each has."""
        x, y = self._rows()
        weights, kept = self.weights, self.kept
        if self.draws:
            found = [tensors_of(one.model) for one in self.alone]
            weights = torch.stack([self.plan.layout.row(one) for one in found]).detach()
            kept = {name: torch.stack([one[name].detach() for one in found]) for name in kept}
        if self.plan.first.head.has_metrics:
            with torch.no_grad():
                outputs = self.model.outputs(weights, kept, x.clone())
            for place, one in enumerate(self.alone):
                own = one.evaluated(x[place])
                agree("its output in evaluation", outputs[place], own, AGREEMENT * size(own))
        if self.plan.first.step is not None:
            self._compare_measured(weights, kept, x, y)

    def _compare_measured(self, weights: Tensor, kept: Named, x: Tensor, y: Tensor) -> None:
        with torch.no_grad():
            found = self.model.measured(weights, kept, x.clone(), y.clone())
        for place, one in enumerate(self.alone):
            for name, own in one.measured(x[place], y[place]).items():
                slack = AGREEMENT * size(own) + ROUNDING
                agree(f"'{name}' in evaluation", found[name][place], own, slack)

    def _rows(self) -> tuple[Tensor, Tensor]:
        table = self.plan.splits.get("validation")
        if table is None:
            x, y = next(self.plan.batches.epoch(0))
            return x[TWO], y[TWO]
        piece = self.plan.first.splits["validation"].batch_size
        most = max(1, EVALUATED_NUMBERS // table.x[0].numel())
        x, y = next(table.pieces(min(table.rows, piece, most)))
        return x[TWO], y[TWO]

    def _compare_tensors(self) -> None:
        """By how far each has come from its start: nothing hides behind a large number."""
        if self.draws:
            return
        together: Named = {**self.plan.layout.views(self.weights), **self.kept}
        for place, one in enumerate(self.alone):
            moved = {name: _moved(own, one.start[name]) for name, own in one.tensors.items()}
            furthest = max((size(moved[name]) for name in self.plan.layout.trainable), default=0.0)
            for name, own in moved.items():
                kind = "buffer" if name in self.kept else "weight"
                slack = (1e-6 * size(one.start[name]) + ROUNDING * furthest) if self.lr else 0.0
                agree(
                    f"{kind} '{name}'", _moved(together[name][place], one.start[name]), own, slack
                )

    def _compare_attributes(self) -> None:
        changed = "changes in training and is neither parameter nor buffer"
        for one in self.alone:
            form = refused_form(one.model, one.head.loss_function)
            if form is not None:  # there since it was called
                raise DiffersError(form)
            for owner, held in one.held().items():
                path = first_difference(one.attributes[owner], held)
                if path is not None:
                    raise DiffersError(f"{owner}'{path}' {changed}")
        path = first_difference(self.shared, self._shared())
        if path is not None:
            raise DiffersError(f"'{path}' {changed}")


def _moved(tensor: Tensor, start: Tensor) -> Tensor:
    return tensor.detach() - start if start.is_floating_point() else tensor.detach()
