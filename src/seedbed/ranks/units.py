"""Which modules of a model are brought together by themselves, where each rank holds a part."""

from collections.abc import Iterator

from torch import nn

OPEN = (
    nn.Sequential, nn.ModuleList, nn.ModuleDict,
    nn.Transformer, nn.TransformerEncoder, nn.TransformerDecoder,
)  # fmt: skip
"""Torch's modules that call those in them; its others look into them, at a weight."""


def units_of(model: nn.Module, least: int) -> list[nn.Module]:
    """The modules whose parameters are gathered while they compute, and only then.

    From the inside out, each that has so many numbers which are in no other yet. What is left
    belongs to the model itself. A module that shares parameters, or modules, with what is outside
    of it is none: they are gathered with the smallest one around both.

    Args:
        model: of one rank, whole.
        least: numbers of a unit, 1 or more.

    Returns:
        Inner ones before those around them.
    """
    found: list[nn.Module] = []
    ways = _Ways(model)

    def visit(module: nn.Module) -> dict[int, int]:
        """Sizes of the parameters in it that are in no unit, by identity."""
        left = {id(one): one.numel() for one in module.parameters(recurse=False)}
        if _is_open(module):
            for child in module.children():
                left |= visit(child)
        else:
            left = {id(one): one.numel() for one in module.parameters()}
        is_unit = module is not model and _is_called(module) and sum(left.values()) >= least
        if is_unit and module not in found and ways.all_lead_through(module):
            found.append(module)
        return {} if module in found else left

    visit(model)
    return found


class _Ways:
    """From which modules each module, and each parameter, is reached."""

    def __init__(self, model: nn.Module) -> None:
        self.around: dict[int, set[int]] = {}
        for module in model.modules():
            for one in (*module.children(), *module.parameters(recurse=False)):
                self.around.setdefault(id(one), set()).add(id(module))

    def all_lead_through(self, module: nn.Module) -> bool:
        """Whether what is in a module is reached in no other way."""
        inside = {id(one) for one in module.modules()}
        return all(self.around[one] <= inside for one in _identities(module) if one != id(module))


def _identities(module: nn.Module) -> Iterator[int]:
    yield from map(id, module.modules())
    yield from map(id, module.parameters())


def _is_open(module: nn.Module) -> bool:
    """Whether a module calls those in it, and looks at none of their weights."""
    if hasattr(module, "parametrizations"):
        return False
    return isinstance(module, OPEN) or not type(module).__module__.startswith("torch.")


def _is_called(module: nn.Module) -> bool:
    """Whether it has a forward pass of its own."""
    return type(module).forward is not nn.Module.forward
