"""Three styles of writing a network: a module with named layers, parameters, a sequence."""

from seedbed.models.custom import CustomMLP
from seedbed.models.manual import ManualMLP
from seedbed.models.sequential import SequentialMLP

__all__ = ["CustomMLP", "ManualMLP", "SequentialMLP"]
