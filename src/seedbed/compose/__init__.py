"""The only room that knows Hydra and OmegaConf: overrides to resolved configs."""
