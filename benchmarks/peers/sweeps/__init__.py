"""The ways to run a sweep: Hydra apps with their own configs, and the arithmetic without any."""
