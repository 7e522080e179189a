"""What fields of the schema are marked with."""

ABSENT = "absent"
"""Marks a key that earlier configs lack, those of runs on disk and a user's own; the value is what
its absence means: that which was done before there was the key."""

NO_KEY = "no key"
"""Marks what a schema holds beside its keys."""
