"""Style 1: a class of `nn.Module` whose layers have names, as in section 1.1 (3) of the article."""

from collections.abc import Sequence

from torch import Tensor, nn

from seedbed.models.activations import activation_layer


class CustomMLP(nn.Module):
    """Perceptron with named layers.

    With one hidden layer the names are the article's: `input_to_hidden_layer`,
    `hidden_layer_activation`, `hidden_to_output_layer`. Further hidden layers stand between, as
    `hidden_to_hidden_layer_1`, `hidden_layer_activation_1` and so on.

    Args:
        in_features: length of one input row, > 0.
        out_features: length of one output row, > 0.
        hidden: width of each hidden layer, in order.
        activation: name of the function after each hidden layer.
        bias: whether the layers add a bias.
        batch_norm: normalise each hidden layer's values over the batch.
        dropout: probability of dropping a hidden value in training.
        return_hidden: return `(output, hidden)`, the last hidden layer after its activation.

    Shape:
        (batch, in_features) -> (batch, out_features), or with (batch, hidden[-1]) beside it

    Source: sections 1.1 (3) and 1.4 of the article.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        hidden: Sequence[int] = (8,),
        activation: str = "relu",
        bias: bool = True,
        batch_norm: bool = False,
        dropout: float = 0.0,
        return_hidden: bool = False,
    ) -> None:
        super().__init__()
        self.return_hidden = return_hidden
        width = in_features
        for depth, next_width in enumerate(hidden):
            end = f"_{depth}" if depth else ""
            first = "hidden_to_hidden_layer" if depth else "input_to_hidden_layer"
            self.add_module(first + end, nn.Linear(width, next_width, bias=bias))
            if batch_norm:
                self.add_module("hidden_layer_norm" + end, nn.BatchNorm1d(next_width))
            self.add_module("hidden_layer_activation" + end, activation_layer(activation))
            if dropout:
                self.add_module("hidden_layer_dropout" + end, nn.Dropout(dropout))
            width = next_width
        self.hidden_to_output_layer = nn.Linear(width, out_features, bias=bias)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """See the class."""
        *hidden, last = self._modules.values()
        for layer in hidden:
            x = layer(x)  # type: ignore[misc]
        output: Tensor = last(x)  # type: ignore[misc]
        return (output, x) if self.return_hidden else output
