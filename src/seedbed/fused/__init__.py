"""The engine of many runs: one computation for all of them."""
