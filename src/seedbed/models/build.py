"""Builds the model of a run, with the sizes of its data."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.components import AllowList
from seedbed.data.row_form import RowForm, as_form
from seedbed.errors import ModelError, NotAllowedError
from seedbed.handed_in import KEY, handed_in
from seedbed.models.copies import copied_model
from seedbed.models.lazy import materialize
from seedbed.models.shared_values import others_seeded
from seedbed.process.generators import seed_torch
from seedbed.raised import reason
from seedbed.runs.files import printable
from seedbed.signatures import accepted, constructed


class ModelBuilder:
    """Builds the model of a config, for one seed after another.

    Args:
        spec: `model` of the config. `in_features`, `out_features` and `input_shape` are given to
            the class if it takes them and the config leaves them open.
        allow: what may be built.
        input_shape: of one row; or its form, where it is no single tensor of real numbers. A class
            is given the shapes of several as a mapping or a list, and then no `in_features`.
        out_features: how many numbers the loss asks for, for each row.

    Raises:
        ModelError: if the config's sizes are not the data's, or the class is no `nn.Module`.
        NotAllowedError: if the class may not be built, or does not take its arguments.
    """

    def __init__(
        self,
        spec: Mapping[str, Any],
        allow: AllowList,
        input_shape: Sequence[int] | RowForm,
        out_features: int,
    ) -> None:
        self.form = as_form(input_shape)
        self.built = _handed_in(spec)
        self.own = True
        if self.built is not None:
            return
        self.found = allow.find(str(spec["_target_"]), "model._target_")
        if not issubclass(self.found, nn.Module):
            raise ModelError(f"model._target_: {self.found.__name__} is no torch.nn.Module")
        sizes = {
            "in_features": self.form.features,
            "out_features": out_features,
            "input_shape": self.form.shape,
        }
        arguments = {key: value for key, value in spec.items() if key != "_target_"}
        parameters = inspect.signature(self.found).parameters
        for key, size in sizes.items():
            if size is None:
                continue
            if arguments.get(key) is None and key in parameters:
                arguments[key] = size
            elif key in ("in_features", "out_features") and arguments.get(key) not in (None, size):
                source = "the data has" if key == "in_features" else "the data and the loss ask for"
                raise ModelError(
                    f"model.{key} is {arguments[key]}, {source} {size}; type model.{key}=null to "
                    "have it inferred"
                )
        self.arguments = accepted(self.found, arguments, "model")
        self.own = not self.found.__module__.startswith("seedbed.")

    def __call__(self, seed: int) -> nn.Module:
        """A model on the CPU, with the weights of one built after `torch.manual_seed(seed)`.

        Python's and NumPy's generators are seeded too, where the class is not one of Seedbed's.
        A module that was built already is copied, with its weights as they are, whatever the seed.
        Lazy layers get their sizes from a batch of zeros, and draw their weights then.

        Raises:
            ModelError, NotAllowedError: if the class refuses its arguments, or a lazy layer gets no
                size.
        """
        state = torch.default_generator.get_state()
        seed_torch(seed)
        try:
            if not self.own:
                model = _built(self.found, self.arguments)
            else:
                with others_seeded(seed):
                    model = self._copied() or _built(self.found, self.arguments)
                    materialize(model, self.form)
        finally:
            torch.default_generator.set_state(state)
        assert isinstance(model, nn.Module)
        return model

    def _copied(self) -> nn.Module | None:
        """A copy of the module that was built already, or None.

        Raises:
            ModelError: if it cannot be copied.
        """
        if self.built is None:
            return None
        try:
            return copied_model(self.built).cpu()
        except Exception as err:  # of any kind: the class is the user's
            raise ModelError(
                f"model: {type(self.built).__name__} cannot be copied: {reason(err)}"
            ) from err


def _handed_in(spec: Mapping[str, Any]) -> nn.Module | None:
    """The module that a program built; None for a model that the config describes.

    Raises:
        ModelError: if it is not handed in.
    """
    fingerprint = spec.get(KEY)
    if fingerprint is None:
        return None
    module: nn.Module | None = handed_in(fingerprint)
    if module is None:
        raise ModelError(
            f"model: a Python program built it ({printable(str(spec.get('_target_')))}), and the "
            "config alone cannot; hand it in there: seedbed.load_run(RUN, model=module), "
            "seedbed.resume(RUN, model=module) or seedbed.reproduce(RUN, model=module)"
        )
    return module


def build_model(
    spec: Mapping[str, Any],
    allow: AllowList,
    input_shape: Sequence[int] | RowForm,
    out_features: int,
    seed: int,
) -> nn.Module:
    """The model of a config, with its starting weights; arguments and errors as `ModelBuilder`."""
    return ModelBuilder(spec, allow, input_shape, out_features)(seed)


def _built(found: type, arguments: Mapping[str, Any]) -> Any:
    try:
        return constructed(found, arguments, "model")
    except NotAllowedError as err:
        if isinstance(err.__cause__, NotAllowedError):
            raise NotAllowedError(f"model.{err.__cause__}") from err
        if isinstance(err.__cause__, ValueError) and str(err.__cause__).startswith("layers["):
            raise ModelError(f"model.{err.__cause__}") from err
        raise


def output_of(forwarded: Any) -> Tensor:
    """The prediction in what a `forward` returned: the tensor, or the first of a tuple.

    Raises:
        ModelError: if it is neither.
    """
    first = forwarded[0] if isinstance(forwarded, tuple | list) and forwarded else forwarded
    if not isinstance(first, Tensor):
        raise ModelError(
            f"model: forward must return a tensor, or a tuple that starts with one, got "
            f"{type(forwarded).__name__}"
        )
    return first
