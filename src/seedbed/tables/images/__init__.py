"""Image files as columns of a table: found, decoded once, and kept for later runs."""
