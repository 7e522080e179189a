"""Rows of arrays in files, which may be larger than memory: fetched by their numbers, as used."""
