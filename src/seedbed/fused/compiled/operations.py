"""The C of the operations of a step, each with the bits that torch's has.

Sums, products and quotients are rounded once each, as IEEE 754 says; where torch's compiler made
one rounding of a product and a sum, `fmaf` does. Functions are those that torch calls.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from seedbed.fused.compiled.loops import dense, each
from seedbed.fused.compiled.places import NotWritableError, Place, Places, shapes
from seedbed.fused.compiled.products import product
from seedbed.fused.compiled.sums import mean, total
from seedbed.fused.lanes import in_lanes
from seedbed.fused.operations import aten
from seedbed.fused.values import Done

POINTWISE: dict[Any, tuple[str, int]] = {
    torch.add: ("{0} + {1}", 2),
    torch.sub: ("{0} - {1}", 2),
    torch.mul: ("{0} * {1}", 2),
    torch.div: ("{0} / {1}", 2),
    torch.neg: ("-{0}", 1),
    torch.addcmul: ("fmaf({1}, {2}, {0})", 3),
    torch.clamp_min: ("{0} < {1} ? {1} : {0}", 2),
    torch.reshape: ("{0}", 1),
    in_lanes: ("{0}", 1),
    aten.abs.default: ("fabsf({0})", 1),
    aten.sgn.default: ("(float)(({0} > 0) - ({0} < 0))", 1),
    aten.threshold_backward.grad_input: ("{1} <= {2} ? 0 : {0}", 3),
    aten.tanh_backward.grad_input: ("{0} * fmaf(-{1}, {1}, 1)", 2),
    aten.sigmoid_backward.grad_input: ("{0} * (1 - {1}) * {1}", 2),
}
"""What each number is made of: arguments of the operation, and how many of these matter."""

LOSSES: dict[Any, tuple[str, int]] = {
    aten.mse_loss.out: ("({0} - {1}) * ({0} - {1})", 2),
    aten.mse_loss_backward.grad_input: ("2 * ({1} - {2}) * {0}", 3),
    aten.huber_loss.default: ("huber({0} - {1})", 2),
    aten.huber_loss_backward.default: ("huber_slope({1} - {2}, {0})", 3),
    aten.smooth_l1_loss.default: ("huber({0} - {1})", 2),
    aten.smooth_l1_loss_backward.default: ("huber_slope({1} - {2}, {0})", 3),
}
"""The same of losses that are not reduced, and whose delta is 1."""

LEAKY = {
    aten.leaky_relu.out: ("{0} > 0 ? {0} : {0} * {1}", 1, 1),
    aten.leaky_relu_backward.grad_input: ("{1} > 0 ? {0} : {0} * {2}", 2, 2),
}


def written(done: Done, places: Places) -> str:
    """An operation in C, with what it is.

    Raises:
        NotWritableError: if it is none of those above, or in another form.
    """
    name = getattr(done.operation, "__name__", str(done.operation)).partition(".")[0]
    out = places.place(done.result)
    if not isinstance(out, Place):
        raise NotWritableError(f"the operation {name}")
    others = {k: v for k, v in done.kwargs.items() if not isinstance(v, Tensor)}
    known = _pointwise(done, out, places) if not others else None
    if known is None and name in SPECIAL and not others:
        known = SPECIAL[name](done, out, places)
    if known is None:
        raise NotWritableError(f"the operation {name}")
    return f"/* {name.strip('_')}: {shapes([out])} */\n{known}"


def _pointwise(done: Done, out: Place, places: Places) -> str | None:
    operation, args = done.operation, done.args
    if operation in POINTWISE:
        text, count = POINTWISE[operation]
    elif operation in LOSSES:
        text, count = LOSSES[operation]
        if any(one not in (0, 1.0) for one in args[count:]):
            return None
    elif operation in LEAKY:
        text, count, slope = LEAKY[operation]
        given = args[slope] if len(args) > slope else 0.01
        args = [*args[:slope], given]
        count = slope + 1
    elif getattr(operation, "__name__", "") == "copy_":
        text, count = "{0}", 1
    else:
        return None
    return each(f"{{out}} = {text};", out, [places.place(one) for one in args[:count]])


def _placed(done: Done, places: Places, *at: int) -> list[Place]:
    found = [places.place(done.args[one]) for one in at]
    if not all(isinstance(one, Place) for one in found):
        raise NotWritableError("a constant where numbers change")
    return found  # type: ignore[return-value]


def _mapped(name: str, *at: int) -> Callable[[Done, Place, Places], str]:
    """A function of each number, of as many as lie one after the other.

    Args:
        name: of the function in C.
        at: its arguments among those of the operation; the others leave it as it is by default.
    """

    def write(done: Done, out: Place, places: Places) -> str:
        given = _placed(done, places, *at)
        if any(one.strides != out.strides or dense(one) != dense(out) for one in given):
            raise NotWritableError(f"{name} of numbers with gaps between them")
        if any(one not in (1, False) for n, one in enumerate(done.args) if n not in at):
            raise NotWritableError(f"another form of {name}")
        starts = ", ".join(one.start for one in (out, *given))
        return f"map_{name}(given, {starts}, {dense(out)});"

    return write


def _log_softmax(done: Done, out: Place, places: Places) -> str:
    (given,) = _placed(done, places, 0)
    classes, inner = _by_class(done, done.args[1], given, out)
    return f"log_softmax(given, {out.start}, {given.start}, {classes}, {inner});"


def _log_softmax_backward(done: Done, out: Place, places: Places) -> str:
    gradient, output = _placed(done, places, 0, 1)
    classes, inner = _by_class(done, done.args[2], gradient, output, out)
    starts = f"{out.start}, {gradient.start}, {output.start}"
    return f"log_softmax_backward(given, {starts}, {classes}, {inner});"


def _by_class(done: Done, dim: int, *given: Place) -> tuple[int, int]:
    sizes = given[0].sizes
    inner = math.prod(sizes[1:])
    if dim != 1 or len(sizes) < 2 or any(one.strides[0] != inner for one in given):
        raise NotWritableError("softmax over another dimension")
    if any(dense(one) != math.prod(sizes) for one in given):
        raise NotWritableError("softmax of numbers with gaps between them")
    return sizes[0], inner


def _gather(done: Done, out: Place, places: Places) -> str:
    given, chosen = _placed(done, places, 0, 2)
    part = _first_of(given, done.args[1], chosen)
    return each(f"{{out}} = *(&{{0}} + {given.strides[0]} * {{1}});", out, [part, chosen])


def _scatter_add(done: Done, out: Place, places: Places) -> str:
    start, added = (places.place(done.args[one]) for one in (0, 3))
    (chosen,) = _placed(done, places, 2)
    part = _first_of(out, done.args[1], chosen)
    first = each("{out} = {0};", out, [start])
    adding = f"*(&{{out}} + {out.strides[0]} * {{0}}) += {{1}};"
    return f"{first}\n{each(adding, part, [chosen, added])}"


def _first_of(given: Place, dim: int, chosen: Place) -> Place:
    """Where the first of the classes lie, one of which is chosen for each row."""
    if dim != 1 or chosen.sizes[0] != 1 or chosen.sizes[1:] != given.sizes[1:]:
        raise NotWritableError("several of the classes")
    return Place(given.buffer, given.offset, chosen.sizes, given.strides)


def _total(done: Done, out: Place, places: Places) -> str:
    (given,) = _placed(done, places, 0)
    return total(out, given, done.args[1], lanes=places.lanes)


def _mean(done: Done, out: Place, places: Places) -> str:
    (given,) = _placed(done, places, 0)
    return mean(out, given, done.args[1], lanes=places.lanes)


def _product(done: Done, out: Place, places: Places) -> str:
    if places.runs_last:
        raise NotWritableError("a product of runs that lie inside")
    left, right = _placed(done, places, 0, 1)
    return product(out, left, right, gapless=done.result.is_contiguous())


SPECIAL: dict[str, Callable[[Done, Place, Places], str]] = {
    "tanh": _mapped("tanh", 0),
    "sigmoid": _mapped("sigmoid", 0),
    "silu": _mapped("silu", 0),
    "silu_backward": _mapped("silu_backward", 0, 1),
    "elu": _mapped("elu", 0),
    "elu_backward": _mapped("elu_backward", 0, 5),
    "_log_softmax": _log_softmax,
    "_log_softmax_backward_data": _log_softmax_backward,
    "gather": _gather,
    "scatter_add": _scatter_add,
    "sum": _total,
    "mean": _mean,
    "bmm": _product,
}
"""Those that are more than a number at a time."""
