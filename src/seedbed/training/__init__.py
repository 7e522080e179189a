"""One run: built, trained, measured and recorded."""
