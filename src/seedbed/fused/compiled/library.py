"""A compiled step, loaded: calls it with tensors."""

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seedbed.fused.lanes import LANES

FUNCTIONS = {
    "gemm": "cblas_sgemm_batch",
    "exp": "Sleef_expf{width}_u10",
    "log": "Sleef_logf{width}_u10",
    "expm1": "Sleef_expm1f{width}_u10",
    "tanh": "vmsTanh",
    "sqrt": "vmsSqrt",
}
"""Of torch's library, which is loaded already."""

_LONG, _POINTER = ctypes.c_long, ctypes.c_void_p


class _Given(ctypes.Structure):
    """`struct given` of `prelude.py`."""

    _fields_ = [
        ("runs", _LONG),
        ("steps", _LONG),
        ("weights", _POINTER),
        ("state", _POINTER * 3),
        ("table_x", _POINTER),
        ("table_y", _POINTER),
        ("rows", _POINTER),
        ("rows_of_run", _LONG),
        ("starts", _POINTER),
        ("numbers", _POINTER),
        ("losses", _POINTER),
        ("scratch", _POINTER),
        *((name, _POINTER) for name in FUNCTIONS),
    ]


class Library:
    """The function of a compiled file.

    Args:
        path: of the file.
        scratch: numbers of memory that it needs.
        width: numbers in a register.

    Raises:
        OSError: if it is no library, or torch's has not what it needs.
    """

    def __init__(self, path: Path, scratch: int, width: int) -> None:
        try:
            self._steps = ctypes.CDLL(str(path)).steps
            self._functions = functions_of_torch(width)
        except AttributeError as err:
            raise OSError(str(err)) from err
        self._steps.restype = None
        memory = torch.zeros(scratch + LANES)
        skipped = -memory.data_ptr() // 4 % LANES
        self._scratch = memory[skipped:]

    def __call__(
        self,
        weights: Tensor,
        states: Sequence[Tensor],
        table: tuple[Tensor, Tensor],
        rows: Tensor,
        starts: Tensor,
        numbers: Tensor,
        steps: int,
    ) -> Tensor:
        """Makes steps; the losses.

        Args:
            weights: changed in place.
            states: likewise.
            table: x and y of all rows.
            rows: numbers of those in each batch.
            starts: added to the numbers of each run.
            numbers: of the optimizer.
            steps: how many.

        Shape:
            weights and states (runs, width), rows (runs or 1, steps * batch), numbers (steps,
            names, runs) -> (steps, runs)
        """
        runs = len(weights)
        losses = torch.empty(steps, runs)
        given = _Given(
            runs=runs, steps=steps, weights=weights.data_ptr(),
            table_x=table[0].data_ptr(), table_y=table[1].data_ptr(), rows=rows.data_ptr(),
            rows_of_run=0 if len(rows) == 1 else rows.stride(0), starts=starts.data_ptr(),
            numbers=numbers.data_ptr(), losses=losses.data_ptr(),
            scratch=self._scratch.data_ptr(), **self._functions,
        )  # fmt: skip
        for at, state in enumerate(states):
            given.state[at] = state.data_ptr()
        self._steps(ctypes.byref(given))
        return losses


@cache
def functions_of_torch(width: int) -> dict[str, Any]:
    """The addresses of what a step calls, by name.

    Raises:
        AttributeError: if torch's library has no such function.
    """
    folder = Path(torch.__file__).parent / "lib"
    library = ctypes.CDLL(str(folder / "libtorch_cpu.so"))
    names: dict[str, str] = {name: text.format(width=width) for name, text in FUNCTIONS.items()}
    find: Callable[[str], Any] = lambda name: ctypes.cast(getattr(library, name), _POINTER).value  # noqa: E731
    return {name: find(symbol) for name, symbol in names.items()}
