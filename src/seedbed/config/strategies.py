"""Which values of `trainer.strategy` train one run by many processes."""

SINGLE = "single"
"""One process, as where there is no strategy."""

SHARDED = "fsdp"
"""Each rank holds a part of the weights alone."""

RANKED = ("ddp", SHARDED)
"""Processes share every batch, each a rank."""
