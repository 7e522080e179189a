"""Batches of rows of similar length, in an order that is a pure function of (seed, epoch).

An epoch's own order is taken; its rows, but for those that fill no batch at its end, are put in the
order of their buckets and cut into batches, which are shuffled. So rows meet those of their own
bucket alone, and at its ends a few of the next; which ones is drawn anew in each epoch, as is when
a batch comes. The last batch, of what is left, is drawn from all rows.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seedbed.config.hints import counted
from seedbed.data.seeds import Order, permutation
from seedbed.errors import DataError


def buckets_of(lengths: Sequence[int], number: int) -> Order:
    """The bucket of each row, from 0: they follow one another in length, with as many rows each.

    Args:
        lengths: of the rows.
        number: of buckets.

    Raises:
        DataError: if there are fewer rows than buckets.
    """
    rows = len(lengths)
    if number > rows:
        raise DataError(
            f"loader.buckets={number} are more than the {counted(rows, 'training row')}; type "
            "fewer, or null"
        )
    buckets = np.empty(rows, dtype=np.int64)
    buckets[np.argsort(lengths, kind="stable")] = np.arange(rows) * number // rows
    return buckets


def bucketed(order: Order, buckets: Order, batch_size: int, key: int) -> NDArray[np.int64]:
    """The rows of an epoch, so that each batch is of one bucket as far as that goes.

    Args:
        order: of the epoch.
        buckets: of each row.
        batch_size: rows of a batch; those of `order` that fill none stay last.
        key: that the batches are shuffled by.

    Shape:
        (rows,) -> (rows,)
    """
    whole = len(order) // batch_size * batch_size
    full = order[:whole]
    batches = full[np.argsort(buckets[full], kind="stable")].reshape(-1, batch_size)
    shuffled = batches[permutation(key, len(batches))]
    return np.concatenate([shuffled.reshape(-1), order[whole:]])
