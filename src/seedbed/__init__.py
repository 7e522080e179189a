"""Config-driven PyTorch experiments on Hydra: described in YAML, run with one command."""

__version__ = "0.1.0"
