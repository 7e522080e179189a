"""Config-driven PyTorch experiments on Hydra: described in YAML, run from a terminal or a notebook.

run = seedbed.train("model=sequential", "optimizer.lr=0.01")
run.predict([[10, 11]])
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from seedbed import errors as errors
    from seedbed.api.checking import Report as Report
    from seedbed.api.checking import SweepReport as SweepReport
    from seedbed.api.earlier_runs import confirm as confirm
    from seedbed.api.earlier_runs import load_run as load_run
    from seedbed.api.earlier_runs import load_sweep as load_sweep
    from seedbed.api.earlier_runs import reproduce as reproduce
    from seedbed.api.earlier_runs import resume as resume
    from seedbed.api.earlier_runs import runs as runs
    from seedbed.api.earlier_runs import unpack as unpack
    from seedbed.api.history import History as History
    from seedbed.api.new_runs import sweep as sweep
    from seedbed.api.new_runs import train as train
    from seedbed.api.new_runs import validate as validate
    from seedbed.api.predictions import Predictions as Predictions
    from seedbed.api.reproducing import Comparison as Comparison
    from seedbed.api.run import Run as Run
    from seedbed.api.run_table import RunTable as RunTable
    from seedbed.api.sweep import Sweep as Sweep

_HOMES = {
    "Comparison": "seedbed.api.reproducing",
    "History": "seedbed.api.history",
    "Predictions": "seedbed.api.predictions",
    "Report": "seedbed.api.checking",
    "Run": "seedbed.api.run",
    "RunTable": "seedbed.api.run_table",
    "Sweep": "seedbed.api.sweep",
    "SweepReport": "seedbed.api.checking",
    "confirm": "seedbed.api.earlier_runs",
    "load_run": "seedbed.api.earlier_runs",
    "load_sweep": "seedbed.api.earlier_runs",
    "reproduce": "seedbed.api.earlier_runs",
    "resume": "seedbed.api.earlier_runs",
    "runs": "seedbed.api.earlier_runs",
    "sweep": "seedbed.api.new_runs",
    "train": "seedbed.api.new_runs",
    "unpack": "seedbed.api.earlier_runs",
    "validate": "seedbed.api.new_runs",
}
"""Where each name comes from; it is imported when it is asked for."""

__all__ = ["__version__", "errors", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module("seedbed.errors")
    if name not in _HOMES:
        raise AttributeError(f"module 'seedbed' has no attribute '{name}'")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


class _FrontDoor(ModuleType):
    """Keeps `seedbed.sweep` and `seedbed.runs` functions, also when those rooms are imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _FrontDoor


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
