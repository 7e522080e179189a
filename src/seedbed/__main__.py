"""`python -m seedbed` is `seedbed`."""

import sys

from seedbed.cli.main import main

sys.exit(main())
