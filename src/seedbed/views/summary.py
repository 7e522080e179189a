"""A model's layers and parameters: torchsummary's table where it can, the right totals always."""

import contextlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.data.nested import zeros
from seedbed.data.row_form import RowForm, as_form
from seedbed.errors import SeedbedError
from seedbed.models.calling import forwarded
from seedbed.models.copies import copied_model
from seedbed.models.frozen import freeze
from seedbed.models.manual import ManualMLP
from seedbed.views.trained import TrainedModel


@dataclass(frozen=True)
class LayerRow:
    """One line of the table.

    Args:
        name: class and running number, as torchsummary writes it.
        path: the layer's name in the model.
        shape: of its output, -1 for the rows; None where it is no tensor.
        parameters: of the layer alone.
    """

    name: str
    path: str
    shape: list[int] | None
    parameters: int


@dataclass(frozen=True, repr=False)
class Summary:
    """The layers and parameters of a model; prints as a table.

    Args:
        table: as text.
        layers: in the order in which they compute.
        total: all parameters.
        trainable: those that are trained.
    """

    table: str
    layers: list[LayerRow]
    total: int
    trainable: int

    def __repr__(self) -> str:
        return self.table

    def to_json(self) -> dict[str, Any]:
        """Plain containers."""
        rows = [
            {"name": row.name, "layer": row.path, "shape": row.shape, "parameters": row.parameters}
            for row in self.layers
        ]
        return {"layers": rows, "total": self.total, "trainable": self.trainable}


def summary(model: nn.Module, input_shape: Sequence[int] | RowForm) -> Summary:
    """The table, its rows and the totals."""
    total, trainable = totals(model)
    table, rows = model_table(model, input_shape), layer_rows(model, input_shape)
    return Summary(table, rows, total, trainable)


def trained_summary(trained: TrainedModel) -> Summary:
    """Of a run's model, of which the run may have frozen parts."""
    init = trained.config.get("init")
    patterns = init.get("freeze") if isinstance(init, dict) else None
    named = isinstance(patterns, list) and all(isinstance(one, str) for one in patterns)
    model = copied_model(trained.model)
    with contextlib.suppress(SeedbedError):  # of a damaged config: nothing is frozen by it
        freeze(model, patterns if named and patterns else [])
    return summary(model, trained.preprocessing.input_shape)


def totals(model: nn.Module) -> tuple[int, int]:
    """All parameters, and those that are trainable; a shared one counts once."""
    parameters = list(model.parameters())
    trainable = sum(p.numel() for p in parameters if p.requires_grad)
    return sum(p.numel() for p in parameters), trainable


def model_table(model: nn.Module, input_shape: Sequence[int] | RowForm) -> str:
    """The table as text."""
    total, trainable = totals(model)
    form = as_form(input_shape)
    shown = _torchsummary(model, form.shape) if form.is_default else None
    true_totals = f"Total params: {total:,}\nTrainable params: {trainable:,}\n"
    if shown is not None and true_totals in shown:
        return shown
    return _own_table(layer_rows(model, input_shape), total, trainable)


def layer_rows(model: nn.Module, input_shape: Sequence[int] | RowForm) -> list[LayerRow]:
    """The layers in the order in which they compute.

    Works for models that torchsummary cannot handle; a model that does not take a row of zeros of
    the given shape has its layers in the order of definition, without shapes.
    """
    with _untouched(model) as twin:
        if isinstance(twin, ManualMLP):
            return _manual_rows(twin, input_shape)
        return _hooked_rows(twin, input_shape)


def _torchsummary(model: nn.Module, input_shape: Sequence[int]) -> str | None:
    """What `torchsummary.summary` prints, or None for a model that it cannot handle."""
    import torchsummary

    text = io.StringIO()
    with _untouched(model) as twin, contextlib.redirect_stdout(text):
        try:
            torchsummary.summary(twin, tuple(input_shape), device="cpu")
        except (
            Exception,
            SystemExit,
        ):  # it fails in many ways on outputs that are no single tensor
            return None
    return text.getvalue().rstrip("\n") + "\n"


@contextlib.contextmanager
def _untouched(model: nn.Module) -> Iterator[nn.Module]:
    """A copy on the CPU to look at; neither the model nor the random numbers notice.

    A model that cannot be copied is looked at itself.
    """
    training = model.training
    try:
        twin = copied_model(model).cpu().float().eval()
    except (Exception, SystemExit):  # of any kind: the class may be the user's
        twin = model.eval()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        yield twin
    model.train(training)


def _hooked_rows(model: nn.Module, input_shape: Sequence[int] | RowForm) -> list[LayerRow]:
    rows: list[LayerRow] = []
    leaves = {name: layer for name, layer in model.named_modules() if not list(layer.children())}
    direct = {  # parameters that belong to no innermost layer
        name: parameter.numel()
        for name, parameter in model.named_parameters()
        if name.rpartition(".")[0] not in leaves
    }

    def add(path: str, layer: nn.Module, output: Any) -> None:
        first = output[0] if isinstance(output, tuple | list) and output else output
        shape = [-1, *first.shape[1:]] if isinstance(first, Tensor) else None
        count = sum(p.numel() for p in layer.parameters())
        rows.append(LayerRow(f"{type(layer).__name__}-{len(rows) + 1}", path, shape, count))

    hooks = [
        layer.register_forward_hook(lambda layer, _, output, path=path: add(path, layer, output))
        for path, layer in leaves.items()
        if not isinstance(layer, torch.jit.ScriptModule)  # which takes no hooks
    ]
    try:
        forwarded(model, zeros(as_form(input_shape), 2))
    except (Exception, SystemExit):  # any model of anybody's; its layers are still worth listing
        rows.clear()
    for hook in hooks:
        hook.remove()
    called = {row.path for row in rows}
    for path, layer in leaves.items():
        if not called or isinstance(layer, torch.jit.ScriptModule):
            add(path, layer, None)
    for path, count in direct.items():
        rows.append(LayerRow(f"Parameter-{len(rows) + 1}", path, None, count))
    return rows


def _manual_rows(model: ManualMLP, input_shape: Sequence[int] | RowForm) -> list[LayerRow]:
    values = model.layer_values(zeros(as_form(input_shape), 2))
    parameters = dict(model.named_parameters())
    rows: list[LayerRow] = []
    for path, value in values.items():
        own = [parameters[name].numel() for name in (path, f"{path}_bias") if name in parameters]
        kind = "Parameter" if own else type(model.hidden_layer_activation).__name__
        shape = [-1, *value.shape[1:]]
        rows.append(LayerRow(f"{kind}-{len(rows) + 1}", path, shape, sum(own)))
    return rows


def _own_table(rows: Sequence[LayerRow], total: int, trainable: int) -> str:
    """In the form of torchsummary's."""
    line = "-" * 64
    double = "=" * 64
    lines = [line, f"{'Layer (type)':>20} {'Output Shape':>25} {'Param #':>15}", double]
    for row in rows:
        shape = "-" if row.shape is None else str(row.shape)
        lines.append(f"{row.name:>20} {shape:>25} {row.parameters:>15,}")
    lines += [
        double,
        f"Total params: {total:,}",
        f"Trainable params: {trainable:,}",
        f"Non-trainable params: {total - trainable:,}",
        line,
    ]
    return "\n".join(lines) + "\n"
