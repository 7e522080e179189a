"""`python -m seedbed` is `seedbed`."""

from seedbed.start import script

script()
