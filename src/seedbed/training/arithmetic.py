"""What decides the bits of a computation beside the config, the code and the data."""

import os
from typing import Any

import torch

from seedbed.config.schema import TrainerConfig

WORKSPACE = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
"""cuBLAS reads it at its first use; without it deterministic products are refused."""

VARIABLES = (
    *("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "VECLIB_", "ONEDNN_", "DNNL_"),
    *("ATEN_CPU_", "CUBLAS_", "CUDNN_", "NVIDIA_TF32_"),
)
"""Beginnings of the names of what sets up torch's libraries for arithmetic."""


def arithmetic(trainer: TrainerConfig) -> dict[str, Any]:
    """Torch's settings, and those of the environment that its libraries read.

    Args:
        trainer: `deterministic` and `precision`.
    """
    variables = {**WORKSPACE, **os.environ}
    return {
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "deterministic": trainer.deterministic,
        "precision": trainer.precision,
        "matmul_precision": torch.get_float32_matmul_precision(),
        "default_type": str(torch.get_default_dtype()).removeprefix("torch."),
        "mkl": torch.backends.mkl.is_available(),
        "onednn": torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled,
        "variables": {
            name: value for name, value in sorted(variables.items()) if name.startswith(VARIABLES)
        },
    }
