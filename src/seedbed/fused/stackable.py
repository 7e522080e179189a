"""Whether the runs of a group can be stacked, and if not, what forbids it."""

from collections.abc import Iterator, Sequence
from traceback import walk_tb

import torch
from torch import Tensor, nn

from seedbed.config.schema import RunConfig
from seedbed.data.nested import Padded
from seedbed.data.packing import PackedRows
from seedbed.data.trimming import rows_alike
from seedbed.fused.agreement import ROUNDING, DiffersError, agree
from seedbed.fused.alone import tensors_of, without_dropout
from seedbed.fused.flat import Named
from seedbed.fused.single_step import called_alone, single_step
from seedbed.fused.stack_components import NARROWEST, StackComponents
from seedbed.fused.trial import WRITES_INTO_BATCH, found_in_trial
from seedbed.models.build import output_of
from seedbed.models.calling import forwarded
from seedbed.models.copies import copied_model
from seedbed.models.frozen import set_training
from seedbed.training.padding import (
    DIFFERENT,
    NumbersOf,
    changed_beside_longer,
    changed_by_padding,
    most_of,
)
from seedbed.training.pure import is_pure, is_pure_loss

AGREEMENT = 1e-3
"""Relative difference between a stacked gradient and the run's own that rounding may make."""

MOST_LENGTHS = 1024
"""Of rows that are looked at by themselves, to see whether a model looks at what fills them."""

ROWS_AT_ONCE = 256
"""Of one length."""


def tried_pair(configs: Sequence[RunConfig]) -> list[RunConfig]:
    """The jobs of a group that are tried: two of different seeds, if there are."""
    first, *others = configs
    different = [config for config in others if config.seed != first.seed]
    return [first, *(different or others)[: NARROWEST - 1]]


def vmap_blocker(plan: StackComponents) -> str | None:
    """Why the model cannot be stacked, found by steps of two runs; None if it can.

    A model and a loss that are known to be pure make one step; others are trained in both ways.

    Args:
        plan: of two runs or more, see `tried_pair`; its weights are not changed.
    """
    reason = _seen_from_outside(plan)
    if reason is not None:
        return reason
    model, loss = plan.first.model, plan.first.head.loss_function
    known = is_pure(model) and is_pure_loss(loss) and plan.first.step is None
    try:
        return _found_in_step(plan) if known else found_in_trial(plan)
    except DiffersError as err:
        return str(err)
    except Exception as err:  # of any kind: the model may be the user's
        return _reason(err, "forward" if plan.first.step is None else "the step or forward")


def _seen_from_outside(plan: StackComponents) -> str | None:
    """What the model is, and whether it looks at what shorter rows are filled with.

    A stack fills them up to the longest row of all, and a run on its own to that of each batch.
    """
    if reason := _seen_of_padding(plan):
        return reason
    if plan.layout.strange:
        return f"its state_dict holds '{plan.layout.strange[0]}', which is no weight and no buffer"
    for name, one in plan.first.model.named_parameters():
        if one.requires_grad and one.dtype != plan.weights.dtype:
            return f"{name} is {one.dtype}"
    return None


def _seen_of_padding(plan: StackComponents) -> str | None:
    """What more padding changes, in evaluation or in training, as batch normalisation looks at."""
    packing = plan.first.data.packing
    if packing is None:
        return None
    batch = next(plan.batches.epoch(0))
    x, y = packing.unpacked(batch[0][0]), batch[1][0]
    if not isinstance(x, Padded):
        return None
    for training in (False, True):
        model = copied_model(plan.first.model).train(training)
        without_dropout(model)
        found = [changed_by_padding(_numbers_of(plan, model, y), x, packing.form)]
        for some, targets in () if training else _rows_by_length(plan):
            numbers_of = _numbers_of(plan, model, targets)
            found.append(changed_beside_longer(numbers_of, packing.unpacked(some), packing.form))
        apart, largest = most_of(found)
        if apart > DIFFERENT * largest:
            what = "outputs depend" if plan.first.step is None else "step depends"
            return f"its {what} on how far rows are filled up, which a stack does further"
    return None


def _rows_by_length(plan: StackComponents) -> Iterator[tuple[Tensor, Tensor]]:
    """Packed rows of all parts, trained on or not, and their targets: each time of one length."""
    parts = (plan.first.data.train, plan.first.data.validation, plan.first.data.test)
    for data in parts:
        if not isinstance(data, PackedRows):
            continue
        for rows in rows_alike(data.sizes, MOST_LENGTHS):
            for some in rows.split(ROWS_AT_ONCE):
                x, y = (tensor[some].to(plan.device) for tensor in data.tensors)
                yield x, y


def _numbers_of(plan: StackComponents, model: nn.Module, y: Tensor) -> NumbersOf:
    """What a model, or a step of the user's own, makes of rows that have the targets `y`."""
    step = plan.first.step
    if step is None:
        return lambda x, _: output_of(forwarded(model, x))
    return lambda x, rows: step(model, x, y[rows].clone())[0]


def _found_in_step(plan: StackComponents) -> str | None:
    two = slice(0, NARROWEST)
    x, y = (one[two].clone() for one in next(plan.batches.epoch(0)))
    given = x.clone(), y.clone()
    weights = plan.weights[two]
    kept = {name: tensor[two] for name, tensor in plan.buffers.items()}
    model, packing = plan.untouched_model(), plan.first.data.packing
    found, _, changed = model.gradient(weights, kept, x, y)
    outputs = model.outputs(weights, changed, x)
    if not (torch.equal(x, given[0]) and torch.equal(y, given[1])):
        return WRITES_INTO_BATCH  # that runs may share
    named = plan.layout.views(weights)
    for place in range(NARROWEST):
        own = _own_model(plan, {name: one[place] for name, one in {**named, **kept}.items()})
        single_step(plan.first, own, x[place], y[place])
        tensors = tensors_of(own)
        unused = [name for name in plan.layout.trainable if tensors[name].grad is None]
        if unused:  # torch.optim leaves it as it is; a row of weights decays as a whole
            return f"the loss does not depend on {unused[0]}"
        if plan.model.randomness != "error":  # no two masks are alike
            continue
        grads = {name: one.grad for name, one in tensors.items() if one.grad is not None}
        gradient = plan.layout.row(grads)
        scale = max(float(gradient.abs().max()), 1e-6)
        if float((found[place] - gradient).abs().max()) > AGREEMENT * scale:
            return "stacked, its gradients are others"
        for name, buffer in changed.items():
            agree(f"buffer '{name}'", buffer[place], tensors[name], ROUNDING)
        with torch.no_grad():
            output = output_of(called_alone(own.eval(), x[place], packing))
            agree("its output in evaluation", outputs[place], output)
    return None


def _own_model(plan: StackComponents, weights: Named) -> nn.Module:
    model = copied_model(plan.first.model)
    set_training(model, frozen_eval=plan.model.frozen_eval)
    with torch.no_grad():
        for name, tensor in tensors_of(model).items():
            tensor.copy_(weights[name])
    return model


def _is_of_packed_rows(err: Exception) -> bool:
    """Whether it was raised as rows were packed, or by a recurrent layer that was given such."""
    return any(
        frame.f_code.co_name == "pack_padded_sequence"
        or (
            isinstance(frame.f_locals.get("self"), nn.RNNBase)
            and frame.f_locals.get("batch_sizes") is not None
        )
        for frame, _ in walk_tb(err.__traceback__)
    )


def _reason(err: Exception, owner: str) -> str:
    text = " ".join(str(err).split())
    if "random" in text and "vmap" in text:
        return "it draws at random, as dropout does; sweep.allow_random=true fuses it"
    if _is_of_packed_rows(err):
        return "vmap does not take packed sequences; with `mask` in place of `lengths` it may"
    if "control flow" in text or ".item()" in text:
        return f"{owner} branches on data"
    return f"vmap does not take it ({type(err).__name__}: {text[:100]})"
