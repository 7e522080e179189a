"""The rules by which the operations of a traced step become faster ones, tried in order.

Each is a function of the program, an operation's node and the values of its arguments, and gives
the value of the result, or None where it has nothing to say. All give the same numbers but for
rounding. Shapes stay as they were traced; what changes is how numbers lie in memory.
"""

import operator
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, fx

from seedbed.fused.lanes import aligned, in_lanes
from seedbed.fused.operation_list import OperationList
from seedbed.fused.operations import (
    CONVERTING,
    FROM_SHAPE,
    GAPLESS,
    POINTWISE,
    VIEWS,
    WITH_MEMORY,
    aten,
    is_same,
)
from seedbed.fused.program import Program, Rule
from seedbed.fused.tracing import Function
from seedbed.fused.values import Value, plain, values_in

AGREEMENT = 1e-4
"""How far results may be apart, in parts of the largest number."""

AGREEMENT_OF_BFLOAT16 = 2.0**-5
"""The same where products are rounded to eight bits."""


def faster(
    written: OperationList,
    examples: Sequence[Tensor],
    *,
    keeps: bool,
    runs_last: bool = False,
    rules: Sequence[Rule] | None = None,
) -> Function:
    """The same list of operations by these rules.

    Args:
        written: as `recorded` gives it; its first argument are weights.
        examples: arguments.
        keeps: as `Program` takes it.
        runs_last: likewise.
        rules: others than `RULES`.

    Returns:
        `written` itself if it changes tensors in place or names some as keywords, or if the rules
        give other numbers.
    """
    nodes = written.graph.nodes
    if not all(_is_known_in_form(node) for node in nodes):
        return written
    program = Program(written, rules or RULES, keeps=keeps, runs_last=runs_last)
    rounded = any(node.kwargs.get("dtype") is torch.bfloat16 for node in nodes)
    tolerance = AGREEMENT_OF_BFLOAT16 if rounded else AGREEMENT
    pairs = zip(program(*examples), written(*examples), strict=True)
    return program if all(_agree(*pair, tolerance) for pair in pairs) else written


def _is_known_in_form(node: fx.Node) -> bool:
    if node.op != "call_function" or node.target is operator.getitem:
        return True
    target: Any = node.target
    by_name = any(isinstance(one, fx.Node) for one in node.kwargs.values())
    return not by_name and not target._schema.is_mutable


def _agree(found: Tensor, wanted: Tensor, tolerance: float) -> bool:
    """Whether the runs that are finite agree; what others come to must not decide for these."""
    if not wanted.is_floating_point() or not wanted.numel():
        return torch.equal(found, wanted)
    finite = wanted.reshape(len(wanted), -1).isfinite().all(dim=1)
    if not bool(finite.any()):
        return False
    found, wanted = found[finite], wanted[finite]
    return torch.allclose(found, wanted, rtol=0, atol=tolerance * float(wanted.abs().max()))


def same(program: Program, node: fx.Node, args: Any) -> Any:
    """What changes nothing is left out, copies too: nothing is changed that may be read later."""
    return args[0] if is_same(node) else None


def constant(program: Program, node: fx.Node, args: Any) -> Any:
    """What is the same in each step is computed once, and so is that whose shape alone is read."""
    given = values_in(args)
    unread = node.users and all(user.target in FROM_SHAPE for user in node.users)
    if node.target in FROM_SHAPE or unread or (given and all(one.constant for one in given)):
        return Value(_called(node, args), constant=True)
    return None


def look(program: Program, node: fx.Node, args: Any) -> Any:
    """A view is made once where it can be; what cannot be viewed in another shape is copied."""
    operation = VIEWS.get(node.target)
    if operation is None:
        return None
    value = args[0]
    if operation is torch.reshape and isinstance(value.tensor, Tensor):
        found = value.tensor.reshape(args[1])
        if found.untyped_storage().data_ptr() != value.tensor.untyped_storage().data_ptr():
            return program.anew(operation, args, {})
    return program.view(operation, value, *args[1:])


def product(program: Program, node: fx.Node, args: Any) -> Any:
    """A product by weights has these on its left, and one that is turned afterwards is made so.

    x W^T is the transpose of W x^T: then a few outputs lie one after the other with the rows of the
    batch inside, which products, sums and softmax run along. In evaluation equal rows must not
    differ by a rounding, as they may in W x^T; there x stays on the left.

    MKL's result depends on where its left factor lies, in some shapes. Weights lie alike in all
    runs, and so do results here; others are copied there.
    """
    if node.target is not aten.bmm.default:
        return None
    left, right = args
    by_weights = _source(program, node.all_input_nodes[-1]) is program.weights_node
    if not ((program.keeps and by_weights) or is_turned_later(node)):
        return _multiplied(program, node, left, right)
    turned = (program.view(torch.transpose, one, 1, 2) for one in (right, left))
    return program.view(torch.transpose, _multiplied(program, node, *turned), 1, 2)


def is_turned_later(node: fx.Node) -> bool:
    """Whether all that is made of a product is its transpose, in its own type or another."""
    turned = [
        (user.target is aten.transpose.int and {*user.args[1:]} == {1, 2})
        or (user.target is CONVERTING and is_turned_later(user))
        for user in node.users
    ]
    return all(turned)


def _source(program: Program, node: fx.Node) -> fx.Node:
    """Whose numbers it has, perhaps in another type."""
    root = program.roots[node]
    return _source(program, root.all_input_nodes[0]) if root.target is CONVERTING else root


def converted(program: Program, node: fx.Node, args: Any) -> Any:
    """Numbers of another type have a place of their own."""
    if node.target is not CONVERTING or program.is_fresh(node):
        return None
    like = _called(node, args)
    out = program.memory(like)
    return program.into(out, out.copy_, [args[0]], {})


def _multiplied(program: Program, node: fx.Node, left: Value, right: Value) -> Value:
    """One product; its factors and its result lie where MKL gives the same bits for all runs.

    Tried with random shapes: where the left factor lies decides if the right one is turned, and
    where the right one does if there is a single row or column; where the result lies if it does
    not fill registers. torch calls MKL once for all runs only if the results have no gaps.
    """
    rows, columns = left.tensor.shape[1], right.tensor.shape[2]
    left = _in_lanes(program, left)
    if rows == 1 or columns == 1:
        right = _in_lanes(program, right)
    gapless = left.tensor.new_zeros(len(left.tensor), rows, columns)
    out = aligned(gapless) if rows * columns % 4 else gapless
    if program.is_fresh(node):
        return program.anew_like(out, torch.bmm, [left, right], "out")
    return program.into(out, torch.bmm, [left, right], {"out": out})


def _in_lanes(program: Program, value: Value) -> Value:
    if value.slot is not None:
        return program.anew(in_lanes, [value], {})
    if in_lanes(value.tensor) is value.tensor:
        return value
    out = aligned(value.tensor)
    return program.into(out, out.copy_, [value], {})


def in_rows(program: Program, node: fx.Node, args: Any) -> Any:
    """The parts of the gradient are written into the rows that the optimizer reads."""
    if node is not program.gradient_root or node.target is not aten.cat.default:
        return None
    parts, dim = args
    like = _called(node, [plain(parts), dim])
    out = torch.zeros_like(program.weights if like.shape == program.weights.shape else like)
    start = 0
    for one in parts:
        size = one.tensor.shape[dim]
        place = out.narrow(dim, start, size)
        start += size
        if not one.constant:
            program.into(place, place.copy_, [one], {})
    return Value(out)


def pointwise(program: Program, node: fx.Node, args: Any) -> Any:
    """Written over what is needed no more, or into a place of its own."""
    if node.target is aten.relu.default:
        operation, name, args = torch.clamp_min, "out", [args[0], 0]
    elif node.target in POINTWISE:
        operation, name = POINTWISE[node.target]
    else:
        return None
    if node.kwargs:
        return None
    like = operation(*plain(args)) if node.target is aten.relu.default else _called(node, args)
    if program.is_fresh(node):
        return program.anew_like(like, operation, args, name)
    out = program.place_for(node, like, over=args)
    return program.into(out, operation, args, {name: out})


def with_memory(program: Program, node: fx.Node, args: Any) -> Any:
    """Written into a place of its own."""
    if node.target not in WITH_MEMORY or program.is_fresh(node):
        return None
    operation, name = WITH_MEMORY[node.target]
    like = _called(node, args)
    out = torch.empty_like(like) if node.target in GAPLESS else program.memory(like)
    return program.into(out, operation, args, {**node.kwargs, name: out})


def _called(node: fx.Node, args: Any) -> Any:
    target: Any = node.target
    return target(*plain(args), **node.kwargs)


def any_other(program: Program, node: fx.Node, args: Any) -> Any:
    """As it was traced."""
    return program.anew(node.target, args, dict(node.kwargs))


RULES: tuple[Rule, ...] = (
    same,
    constant,
    look,
    product,
    in_rows,
    pointwise,
    with_memory,
    converted,
    any_other,
)
