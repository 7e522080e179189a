"""Style 2: bare `nn.Parameter`s multiplied by hand, as in section 1.1 (5) of the article."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from seedbed.models.activations import activation_layer


class ManualMLP(nn.Module):
    """Perceptron whose weights are bare `nn.Parameter`s, multiplied with `@`.

    Same maths as `CustomMLP` and `SequentialMLP`; tests hold the three equal. With one hidden layer
    the names are `input_to_hidden_layer`, of shape (in_features, hidden), and
    `hidden_to_output_layer`, of shape (hidden, out_features): the transpose of an `nn.Linear`'s.

    Args:
        in_features: length of one input row, > 0.
        out_features: length of one output row, > 0.
        hidden: width of each hidden layer, in order.
        activation: name of the function after each hidden layer.
        bias: add parameters `<weight>_bias`; the article has none.
        start: how weights begin: uniform in [0, 1) as in the article, linear (as `nn.Linear`'s),
            xavier or kaiming. Biases begin as `nn.Linear`'s.
        return_hidden: return `(output, hidden)`, the last hidden layer after its activation.

    Shape:
        (batch, in_features) -> (batch, out_features), or with (batch, hidden[-1]) beside it

    Source: section 1.1 (5) of the article; the uniform start is torch.rand's.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        hidden: Sequence[int] = (8,),
        activation: str = "relu",
        bias: bool = False,
        start: str = "uniform",
        return_hidden: bool = False,
    ) -> None:
        super().__init__()
        if start not in STARTS:
            raise ValueError(f"no start '{start}'; there are {', '.join(STARTS)}")
        self.return_hidden = return_hidden
        self.weight_names: list[str] = []
        width = in_features
        for depth, next_width in enumerate(hidden):
            name = f"hidden_to_hidden_layer_{depth}" if depth else "input_to_hidden_layer"
            self._add(name, width, next_width, start, bias)
            width = next_width
        self._add("hidden_to_output_layer", width, out_features, start, bias)
        self.hidden_layer_activation = activation_layer(activation)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """See the class."""
        *hidden, last = self.weight_names
        for name in hidden:
            x = self.hidden_layer_activation(self.multiplied(x, name))
        output = self.multiplied(x, last)
        return (output, x) if self.return_hidden else output

    def multiplied(self, x: Tensor, name: str) -> Tensor:
        """(batch, rows of the weight) -> (batch, columns of the weight)."""
        product: Tensor = x @ getattr(self, name)
        bias = self._parameters.get(f"{name}_bias")
        return product if bias is None else product + bias

    def layer_values(self, x: Tensor) -> dict[str, Tensor]:
        """Every layer's values, by the name of its weights; activations beside them.

        Bare parameters have no module that a hook could watch, so the model tells them itself.
        """
        values: dict[str, Tensor] = {}
        *hidden, last = self.weight_names
        for depth, name in enumerate(hidden):
            values[name] = self.multiplied(x, name)
            x = self.hidden_layer_activation(values[name])
            values[f"hidden_layer_activation_{depth}" if depth else "hidden_layer_activation"] = x
        values[last] = self.multiplied(x, last)
        return values

    def _add(self, name: str, rows: int, columns: int, start: str, bias: bool) -> None:
        self.register_parameter(name, nn.Parameter(STARTS[start](rows, columns)))
        self.weight_names.append(name)
        if bias:
            bound = rows**-0.5
            self.register_parameter(
                f"{name}_bias", nn.Parameter(torch.empty(columns).uniform_(-bound, bound))
            )


def _linear(rows: int, columns: int) -> Tensor:
    """Uniform in ±1/sqrt(rows), drawn as nn.Linear draws its (columns, rows)."""
    weight = torch.empty(columns, rows)
    nn.init.kaiming_uniform_(weight, a=5**0.5)
    return weight.t().contiguous()


def _xavier(rows: int, columns: int) -> Tensor:
    return nn.init.xavier_uniform_(torch.empty(columns, rows)).t().contiguous()


def _kaiming(rows: int, columns: int) -> Tensor:
    weight = nn.init.kaiming_uniform_(torch.empty(columns, rows), nonlinearity="relu")
    return weight.t().contiguous()


STARTS: dict[str, Callable[[int, int], Tensor]] = {
    "uniform": torch.rand,
    "linear": _linear,
    "xavier": _xavier,
    "kaiming": _kaiming,
}
