"""What the rows of a user's own Dataset were: a digest of a few, by which a change is seen.

Up to 32 rows of each part are taken, evenly spaced among those that are looked at anyway, so that
it costs no more with many rows. A part that gives other rows when it is asked again has no digest.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import torch

from seedbed.data.custom_inspection import Inspected, spaced
from seedbed.data.custom_labels import as_array, label_of
from seedbed.data.custom_split import CustomSplit
from seedbed.data.generators import generators_seeded
from seedbed.data.nested import tensors_in

MOST_ROWS = 32


def digests(
    parts: Mapping[str, CustomSplit], inspected: Mapping[str, Inspected], seed: int
) -> dict[str, str]:
    """Of each part that has one.

    Args:
        parts: by name.
        inspected: what was found by looking at their rows.
        seed: of the generators that the Dataset may draw from.
    """
    digest_of = {name: _digest(part, inspected[name].indices, seed) for name, part in parts.items()}
    return {name: one for name, one in digest_of.items() if one is not None}


def _digest(part: CustomSplit, indices: Sequence[int], seed: int) -> str | None:
    taken = [indices[number] for number in spaced(len(indices), MOST_ROWS)]
    if part.is_tensors:
        return _of_tensors(*(one[taken] for one in part.dataset.tensors))
    try:
        first, second = (_of_rows(part, taken, seed) for _ in range(2))
    except (Exception, SystemExit):  # the class is the user's, and may refuse to be read again
        return None
    return first if first == second else None


def _of_rows(part: CustomSplit, indices: Sequence[int], seed: int) -> str:
    digest = sha256()
    with generators_seeded(seed):
        for index in indices:
            x, y = part.row(index)
            label = label_of(y)
            for tensor in tensors_in(x):
                digest.update(_bytes(tensor.detach().cpu().numpy()))
            known = _bytes(label) if isinstance(label, np.ndarray) else repr(label).encode()
            digest.update(known)
    return digest.hexdigest()


def _of_tensors(*tensors: torch.Tensor) -> str:
    digest = sha256()
    for tensor in tensors:
        digest.update(_bytes(as_array(tensor)))
    return digest.hexdigest()


def _bytes(array: np.ndarray[Any, Any]) -> bytes:
    return f"{array.dtype.str}{array.shape}".encode() + array.tobytes()
