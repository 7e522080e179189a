"""Checkpoints as `torch.save` writes them, in a quarter of its time, for thousands of small ones.

`torch.save` asks Python about every number that it pickles, to find the storages among them. Here
pickle writes a mark where a storage goes, and the marks are replaced in the finished bytes.
Source: `_save` in torch/serialization.py; caffe2/serialize/inline_container.cc for the archive.
"""

import ctypes
import io
import pickle
import sys
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import count
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.process.torch_private import rebuild_tensor
from seedbed.recording.archive_layout import ALIGNMENT, ArchivePieces, InPieces, zipped
from seedbed.runs.pending import Pending
from seedbed.runs.run_files import Content

LARGEST = 2**30
"""Bytes of all tensors; above it the archive needs longer numbers, and `torch.save` is as fast."""

STORAGES = {
    torch.float32: b"Float", torch.float64: b"Double", torch.float16: b"Half",
    torch.bfloat16: b"BFloat16", torch.int64: b"Long", torch.int32: b"Int", torch.int16: b"Short",
    torch.int8: b"Char", torch.uint8: b"Byte", torch.bool: b"Bool",
    torch.complex64: b"ComplexFloat", torch.complex128: b"ComplexDouble",
}  # fmt: skip
"""What torch calls the storages of each type of number; it has such names for these alone."""

Storage = torch.UntypedStorage | Pending

NO_HOOKS: OrderedDict[str, Any] = OrderedDict()


def archive(content: Any) -> Content:
    """What `torch.save` would write; `torch.load` reads it, `weights_only` and `mmap` as well.

    The pickle in it has other memo numbers than torch's, and means the same.

    Args:
        content: plain values and CPU tensors, in dicts, lists and tuples. Of tensors that are yet
            to come the archive is in pieces, which have them come as they are written.

    Raises:
        TypeError: if a tensor is sparse, quantised, on another device, of a class of its own, or
            has attributes of its own; or if tensors see the same memory as different types.
    """
    pickled, storages = _pickled(content)
    if any(isinstance(one, Pending) for one in storages):
        return ArchivePieces([*_in_one(_beginning(pickled)), *map(_in_pieces, count(), storages)])
    if sum(storage.nbytes() for storage in storages) > LARGEST:
        buffer = io.BytesIO()
        torch.save(content, buffer)
        return buffer.getvalue()
    records = _beginning(pickled)
    for key, storage in enumerate(storages):
        assert not isinstance(storage, Pending)
        data = ctypes.string_at(storage.data_ptr(), storage.nbytes())
        records.append((b"data/%d" % key, data))
    return zipped([*records, (b"version", b"3\n")])


def _beginning(pickled: bytes) -> list[tuple[bytes, bytes]]:
    """The records before those of the storages."""
    return [
        (b"data.pkl", pickled),
        (b".format_version", b"1"),
        (b".storage_alignment", b"%d" % ALIGNMENT),
        (b"byteorder", sys.byteorder.encode()),
    ]


def _in_one(records: Sequence[tuple[bytes, bytes]]) -> Iterator[InPieces]:
    for name, data in records:
        yield name, len(data), partial(iter, [data])


def _in_pieces(key: int, storage: Storage) -> InPieces:
    return b"data/%d" % key, storage.nbytes(), partial(_bytes_of, storage)


def _bytes_of(storage: Storage) -> Iterator[Any]:
    """The content of a storage, as it lies in memory."""
    if isinstance(storage, Pending):
        values = storage.take().flatten().view(torch.uint8)
    else:
        values = torch.tensor([], dtype=torch.uint8).set_(storage)
    if len(values):
        yield values.numpy().data


class _Pickler(pickle.Pickler):
    """Leaves a mark in place of each storage.

    Args:
        into: gets the pickle.
        salt: the mark's beginning.
    """

    def __init__(self, into: io.BytesIO, salt: str) -> None:
        super().__init__(into, protocol=2)
        self.salt = salt
        self.found: dict[int, tuple[str, Storage, torch.dtype]] = {}

    def reducer_override(self, value: Any) -> Any:
        """Asked by pickle about all that is no plain value or container."""
        if type(value) is Pending:
            mark = self._mark_of(id(value), value, value.dtype)
            strides = torch.empty(value.shape, device="meta").stride()
            return rebuild_tensor, (mark, 0, tuple(value.shape), strides, False, NO_HOOKS)
        if type(value) is not Tensor:
            if isinstance(value, torch.UntypedStorage | torch.TypedStorage) or (
                isinstance(value, Tensor) and type(value) is not nn.Parameter
            ):
                raise TypeError(f"an archive holds plain tensors, got a {type(value).__name__}")
            return NotImplemented
        mark = self._mark(value)
        shape = tuple(value.shape)
        start, grad = value.storage_offset(), value.requires_grad
        return rebuild_tensor, (mark, start, shape, value.stride(), grad, NO_HOOKS)

    def _mark(self, tensor: Tensor) -> str:
        if not (
            tensor.is_cpu
            and tensor.layout is torch.strided
            and tensor.dtype in STORAGES
            and not (tensor.is_nested or tensor.is_neg() or tensor.is_conj() or tensor.__dict__)
        ):
            raise TypeError(
                "an archive holds plain CPU tensors, got one that is "
                f"{tensor.layout}, {tensor.dtype}, on {tensor.device}"
            )
        storage = tensor.untyped_storage()
        return self._mark_of(storage._cdata, storage, tensor.dtype)

    def _mark_of(self, key: int, storage: Storage, dtype: torch.dtype) -> str:
        known = self.found.get(key)
        if known is None:
            known = (f"{self.salt}{len(self.found):08d}", storage, dtype)
            self.found[key] = known
        elif known[2] is not dtype:
            raise TypeError(f"tensors see the same memory as {known[2]} and as {dtype}")
        return known[0]


def _pickled(content: Any) -> tuple[bytes, list[Storage]]:
    """The pickle, and the storages that it names by their numbers."""
    for attempt in count():
        buffer = io.BytesIO()
        pickler = _Pickler(buffer, f"storage {attempt}:")
        pickler.dump(content)
        # Pickle writes each mark once and refers to it afterwards. More of them than storages: a
        # text in the content looks like one, and another mark is taken.
        size = len(pickler.salt) + 8
        begin = b"X" + size.to_bytes(4, "little") + pickler.salt.encode()
        first, *rest = buffer.getvalue().split(begin)
        if len(rest) == len(pickler.found):
            break
    found = list(pickler.found.values())
    pieces = [first]
    for piece in rest:
        _, storage, dtype = found[int(piece[:8])]
        pieces += (_named(piece[:8], storage, dtype), piece[8:])
    return b"".join(pieces), [storage for _, storage, _ in found]


def _named(key: bytes, storage: Storage, dtype: torch.dtype) -> bytes:
    """The opcodes of `("storage", torch.FloatStorage, key, "cpu", length)` as a persistent id."""
    key = b"%d" % int(key)
    length = storage.nbytes() // dtype.itemsize
    number = b"J" + length.to_bytes(4, "little")
    if length >= 2**31:
        number = b"\x8a\x09" + length.to_bytes(9, "little")
    return b"".join(
        (
            b"(X\x07\0\0\0storagectorch\n", STORAGES[dtype], b"Storage\n",
            b"X", len(key).to_bytes(4, "little"), key, b"X\x03\0\0\0cpu",
            number, b"tQ",
        )
    )  # fmt: skip
