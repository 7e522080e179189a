"""Finding runs: what each tells of itself, and tables of many."""
