"""What a machine prepares that submits tasks, and may lack what their machines have."""

from dataclasses import replace

from seedbed.config.schema import RunConfig


def prepared_here(config: RunConfig) -> RunConfig:
    """The config as a machine can prepare it that submits tasks, and may lack their GPUs."""
    if config.sweep.executor == "local" or not config.trainer.device.startswith("cuda"):
        return config
    import torch

    if torch.cuda.is_available():
        return config
    return replace(config, trainer=replace(config.trainer, device="cpu"))
