"""Files that lie at URLs: brought to this machine, and runs kept there."""
