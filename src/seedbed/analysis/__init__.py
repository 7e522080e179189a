"""What numbers of many runs can carry: intervals, tests, shares of variance; NumPy arrays alone."""
