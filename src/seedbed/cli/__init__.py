"""The commands: parse, call, print. Nothing is computed here."""
