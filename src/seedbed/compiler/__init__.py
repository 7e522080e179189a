"""Texts in C, made into libraries by the system's own compiler, and kept."""
