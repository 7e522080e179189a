"""Rows of files that are larger than memory: looked at, fitted, split and shuffled by blocks."""
