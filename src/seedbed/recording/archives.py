"""Checkpoints as `torch.save` writes them, in a quarter of its time, for thousands of small ones.

`torch.save` asks Python about every number that it pickles, to find the storages among them. Here
pickle writes a mark where a storage goes, and the marks are replaced in the finished bytes.
Source: `_save` in torch/serialization.py; caffe2/serialize/inline_container.cc for the archive.
"""

import ctypes
import io
import pickle
import struct
import sys
from collections import OrderedDict
from itertools import count
from typing import Any
from zlib import crc32

import torch
from torch import Tensor, nn

from seedbed.process.torch_private import rebuild_tensor

LARGEST = 2**30
"""Bytes of all tensors; above it the archive needs longer numbers, and `torch.save` is as fast."""

ALIGNMENT = 64
"""Bytes; every record begins at a multiple, so that the file can be mapped into memory."""

STORAGES = {
    torch.float32: b"Float", torch.float64: b"Double", torch.float16: b"Half",
    torch.bfloat16: b"BFloat16", torch.int64: b"Long", torch.int32: b"Int", torch.int16: b"Short",
    torch.int8: b"Char", torch.uint8: b"Byte", torch.bool: b"Bool",
    torch.complex64: b"ComplexFloat", torch.complex128: b"ComplexDouble",
}  # fmt: skip
"""What torch calls the storages of each type of number; it has such names for these alone."""

NO_HOOKS: OrderedDict[str, Any] = OrderedDict()
SIZES_BEHIND = 0x0008
FLAGS = 0x0800 | SIZES_BEHIND
"""Names in UTF-8; sizes and checksum stand behind the data, unless there is none."""

LOCAL = struct.Struct("<IHHHHHIIIHH")
BEHIND = struct.Struct("<IIII")
CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
ENDS = struct.Struct("<IQHHIIQQQQ" + "IIQI" + "IHHHHIIH")


def archive(content: Any) -> bytes:
    """What `torch.save` would write; `torch.load` reads it, `weights_only` and `mmap` as well.

    The pickle in it has other memo numbers than torch's, and means the same.

    Args:
        content: plain values and CPU tensors, in dicts, lists and tuples.

    Raises:
        TypeError: if a tensor is sparse, quantised, on another device, of a class of its own, or
            has attributes of its own; or if tensors see the same memory as different types.
    """
    pickled, storages = _pickled(content)
    if sum(storage.nbytes() for storage in storages) > LARGEST:
        buffer = io.BytesIO()
        torch.save(content, buffer)
        return buffer.getvalue()
    records = [
        (b"data.pkl", pickled),
        (b".format_version", b"1"),
        (b".storage_alignment", b"%d" % ALIGNMENT),
        (b"byteorder", sys.byteorder.encode()),
    ]
    for key, storage in enumerate(storages):
        data = ctypes.string_at(storage.data_ptr(), storage.nbytes())
        records.append((b"data/%d" % key, data))
    return _zipped([*records, (b"version", b"3\n")])


class _Pickler(pickle.Pickler):
    """Leaves a mark in place of each storage.

    Args:
        into: gets the pickle.
        salt: the mark's beginning.
    """

    def __init__(self, into: io.BytesIO, salt: str) -> None:
        super().__init__(into, protocol=2)
        self.salt = salt
        self.found: dict[int, tuple[str, torch.UntypedStorage, torch.dtype]] = {}

    def reducer_override(self, value: Any) -> Any:
        """Asked by pickle about all that is no plain value or container."""
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
        known = self.found.get(storage._cdata)
        if known is None:
            known = (f"{self.salt}{len(self.found):08d}", storage, tensor.dtype)
            self.found[storage._cdata] = known
        elif known[2] is not tensor.dtype:
            raise TypeError(f"tensors see the same memory as {known[2]} and as {tensor.dtype}")
        return known[0]


def _pickled(content: Any) -> tuple[bytes, list[torch.UntypedStorage]]:
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


def _named(key: bytes, storage: torch.UntypedStorage, dtype: torch.dtype) -> bytes:
    """The opcodes of `("storage", torch.FloatStorage, key, "cpu", length)` as a persistent id."""
    key = b"%d" % int(key)
    length = storage.nbytes() // dtype.itemsize
    return b"".join(
        (
            b"(X\x07\0\0\0storagectorch\n", STORAGES[dtype], b"Storage\n",
            b"X", len(key).to_bytes(4, "little"), key, b"X\x03\0\0\0cpu",
            b"J", length.to_bytes(4, "little"), b"tQ",
        )
    )  # fmt: skip


def _zipped(records: list[tuple[bytes, bytes]]) -> bytes:
    """The archive as torch's own writer lays it out, to the byte; its identity is of our making."""
    pieces: list[bytes] = []
    entries: list[bytes] = []
    at = 0
    checks = [crc32(data) for _, data in records]
    identity = b"%040d" % crc32(struct.pack(f"<{len(checks)}I", *checks))
    records = [*records, (b".data/serialization_id", identity)]
    for (record, data), check in zip(records, [*checks, crc32(identity)], strict=True):
        name, size = b"archive/" + record, len(data)
        begin = at + LOCAL.size + len(name) + 4
        padding = -begin % ALIGNMENT
        flags = FLAGS if data else FLAGS & ~SIZES_BEHIND
        behind = BEHIND.pack(0x08074B50, check, size, size) if data else b""
        pieces += (
            LOCAL.pack(0x04034B50, 0, flags, 0, 0, 0, 0, 0, 0, len(name), padding + 4),
            name, b"FB", padding.to_bytes(2, "little"), b"Z" * padding, data,
            behind,
        )  # fmt: skip
        head = (0x02014B50, 0, 0, flags, 0, 0, 0, check, size, size, len(name), 0, 0, 0, 0, 0, at)
        entries += (CENTRAL.pack(*head), name)
        at = begin + padding + size + len(behind)
    directory, number = b"".join(entries), len(entries) // 2
    ends = (0x06064B50, 44, 0x031E, 45, 0, 0, number, number, len(directory), at)
    locator = (0x07064B50, 0, at + len(directory), 1)
    last = (0x06054B50, 0, 0, number, number, len(directory), at, 0)
    return b"".join((*pieces, directory, ENDS.pack(*ends, *locator, *last)))
