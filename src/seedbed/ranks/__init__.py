"""One run on many ranks: processes that share every batch, and hold the same weights."""
