"""Style 3: `nn.Sequential`, as in section 2 of the article, or from a list of layers in YAML."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from seedbed.models.activations import activation_layer
from seedbed.models.layer_list import layers_from_list


class SequentialMLP(nn.Sequential):
    """Perceptron as a sequence, or any sequence of layers.

    Args:
        in_features: length of one input row, > 0.
        out_features: length of one output row, > 0.
        hidden: width of each hidden layer, in order; unused with `layers`.
        activation: name of the function after each hidden layer; unused with `layers`.
        bias: whether the layers add a bias; unused with `layers`.
        layers: descriptions of `torch.nn` layers (see `layer_list.py`), in place of the above.
        return_hidden: return `(output, hidden)`, what goes into the last layer.
        input_shape: of one row, where it is not (in_features,).

    Shape:
        (batch, *input_shape) -> (batch, out_features), or with the hidden values beside it

    Raises:
        ValueError: if a layer cannot be built, or does not take what the one before gives.

    Source: section 2 of the article.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        hidden: Sequence[int] = (8,),
        activation: str = "relu",
        bias: bool = True,
        layers: Sequence[Any] | None = None,
        return_hidden: bool = False,
        input_shape: Sequence[int] | None = None,
    ) -> None:
        if layers is not None:
            modules = layers_from_list(layers, tuple(input_shape or (in_features,)), out_features)
        else:
            modules = []
            widths = [in_features, *hidden]
            for before, after in pairwise(widths):
                modules += [nn.Linear(before, after, bias=bias), activation_layer(activation)]
            modules.append(nn.Linear(widths[-1], out_features, bias=bias))
        super().__init__(*modules)
        self.return_hidden = return_hidden

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """See the class."""
        if not self.return_hidden:
            output: Tensor = super().forward(x)  # type: ignore[no-untyped-call]
            return output
        *before, last = self
        for layer in before:
            x = layer(x)
        return last(x), x
