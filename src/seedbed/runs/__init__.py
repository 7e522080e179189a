"""The run directory: the names of its files, writing them whole, reading them safely."""
