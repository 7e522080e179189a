"""Types of the arrays in which runs in training are told, one value per slot."""

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
"""One number per slot."""

Mask = NDArray[np.bool_]
"""One truth value per slot."""

YES: Mask = np.array([True])
NO: Mask = np.array([False])
"""Of one slot; nobody writes into them."""
