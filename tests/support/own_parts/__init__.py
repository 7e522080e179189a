"""Modules and losses as people write them, for stacks to take or to refuse."""
