"""The activations that `model.activation` names."""

from torch import nn

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "elu": nn.ELU,
    "leaky_relu": nn.LeakyReLU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "identity": nn.Identity,
}


def activation_layer(name: str) -> nn.Module:
    """A new layer.

    Raises:
        ValueError: if there is no such activation.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"no activation '{name}'; there are {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]()
