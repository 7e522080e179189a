"""A metric of torchmetrics that has no value where torchmetrics warns, or raises, of the rows."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import nan
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


class Watched:
    """A metric of torchmetrics that has no value where torchmetrics warns, or raises, of the rows.

    Until it has had a value once what it raises is an error: it does not fit then.

    Args:
        kind: its class.
        arguments: that it is made with.
        several: outputs of which the mean is taken, where it gives a number for each; 0 for none.
        tried: whether it had a value.
    """

    def __init__(
        self, kind: Callable[..., Any], arguments: Mapping[str, Any], several: int, *, tried: bool
    ) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it keeps all rows, which is seen to
            # On ranks the first one alone measures; waiting for the others would last for ever.
            self.metric = kind(**arguments, sync_on_compute=False)
        if several:
            self.metric.set_dtype(torch.float64)  # as the values are
        self.several = several
        self.tried = tried
        self.undefined = False

    def reset(self) -> None:
        """Begins anew."""
        self.metric.reset()
        self.undefined = False

    def update(self, predictions: Tensor, targets: Tensor) -> None:
        """Looks at further rows."""
        if self.tried and hasattr(self.metric, "validate_args"):
            self.metric.validate_args = False  # which takes longer than the rest
        with self._watching():
            self.metric.update(predictions, targets)

    def compute(self) -> Any:
        """Of all rows."""
        value: Any = nan
        with self._watching():
            value = self.metric.compute()
        if self.undefined:
            return nan
        if isinstance(value, Tensor) and value.shape == (self.several,):
            value = value.mean()
        self.tried = True
        return value

    @contextmanager
    def _watching(self) -> Iterator[None]:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                yield
            except Exception:
                if not self.tried:
                    raise
                self.undefined = True
        if any("torchmetrics" in Path(one.filename).parts for one in told):
            self.undefined = True
