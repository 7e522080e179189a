"""An archive is what `torch.save` writes: read back by torch, and laid out as by its own writer."""

import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.serialization import config as serialization

from seedbed.recording import archives
from seedbed.recording.archive_layout import ALIGNMENT
from seedbed.recording.archives import archive
from seedbed.runs.checkpoint import load
from seedbed.runs.files import write_pieces
from seedbed.runs.pending import Pending

DTYPES = sorted(archives.STORAGES, key=str)


def opened(content: bytes, **words: Any) -> Any:
    return torch.load(io.BytesIO(content), weights_only=True, **words)


def saved(content: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def same(one: Any, other: Any) -> bool:
    """Equal in values, kinds and order."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Tensor):
        memory = [tensor.untyped_storage().tolist() for tensor in (one, other)]
        return memory[0] == memory[1] and layout(one) == layout(other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return repr(one) == repr(other)


def layout(tensor: Tensor) -> tuple[Any, ...]:
    place = (tensor.shape, tensor.stride(), tensor.storage_offset())
    return tensor.dtype, tensor.requires_grad, *place


def snapshot() -> dict[str, Any]:
    """A checkpoint of a small run, as `Recorder.snapshot` makes it."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.randn(5, 3)).sum().backward()
    optimizer.step()
    rows = [{"epoch": n, "step": n * 3, "train/loss": 1 / (n + 1), "lr": 1e-3} for n in range(50)]
    return {
        "format": 1,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": None,
        "random": {"cpu": torch.get_rng_state()},
        "state": {"history": rows, "best": {"value": float("inf")}, "name": "Straße"},
    }


def odd_contents() -> dict[str, Any]:
    base = torch.arange(24.0).reshape(4, 6)
    with_grad = torch.ones(2, requires_grad=True)
    return {
        "nothing": {},
        "a tensor alone": base,
        "views of one storage": [base, base[1:, ::2], base.T, base[0, 0]],
        "the same tensor twice": {"a": base, "b": base},
        "empty tensors": [torch.empty(0), torch.empty(3, 0), torch.empty(0)],
        "a number of every type": [torch.ones(3).to(dtype) for dtype in DTYPES],
        "one that asks for gradients": [with_grad, nn.Parameter(torch.zeros(2))],
        "a repeated row": torch.ones(3, 1).expand(3, 5),
        "texts that look like marks": ["storage 0:00000000", base, "storage 0:", "storage 1:"],
        "a state_dict without its metadata": OrderedDict(a=base, b=torch.tensor(3)),
        "more than 256 tensors": [torch.full((1,), float(n)) for n in range(300)],
        "plain values": [None, True, 2**70, -5, 1e-300, "", b"bytes", (1, (2,)), {1, 2}],
        "a shape": base.shape,
    }  # fmt: skip


@pytest.mark.parametrize("name", odd_contents())
def test_torch_opens_it_to_what_torch_save_would_give(name: str) -> None:
    content = odd_contents()[name]
    assert same(opened(archive(content)), opened(saved(content)))


def test_a_checkpoint_comes_back_whole() -> None:
    content = snapshot()
    made = opened(archive(content))
    assert same(made, content)
    assert made["model"]._metadata == content["model"]._metadata


def test_it_can_be_mapped_into_memory(tmp_path: Path) -> None:
    content = snapshot()
    (tmp_path / "a.pt").write_bytes(archive(content))
    assert same(torch.load(tmp_path / "a.pt", weights_only=True, mmap=True), content)
    with serialization.patch({"load.calculate_storage_offsets": True}):
        assert same(torch.load(tmp_path / "a.pt", weights_only=True, mmap=True), content)


@pytest.mark.parametrize("name", ["views of one storage", "the same tensor twice"])
def test_tensors_that_share_memory_still_do(name: str) -> None:
    made = opened(archive(odd_contents()[name]))
    tensors = list(made.values()) if isinstance(made, dict) else made
    assert len({tensor.untyped_storage().data_ptr() for tensor in tensors}) == 1


@pytest.mark.parametrize("name", odd_contents())
def test_it_is_laid_out_as_by_torch_s_own_writer(name: str) -> None:
    made = archive(odd_contents()[name])
    buffer = io.BytesIO()
    writer = torch._C.PyTorchFileWriter(buffer, True, ALIGNMENT)
    with zipfile.ZipFile(io.BytesIO(made)) as file:
        assert file.testzip() is None
        records = {member.filename: file.read(member) for member in file.infolist()}
        identity = file.getinfo("archive/.data/serialization_id")
    for name, data in list(records.items())[:-2]:
        writer.write_record(name.removeprefix("archive/"), data, len(data))
    writer.write_end_of_file()
    # Torch's identity is a hash of its own; it and its three checksums are all that differs.
    expected = buffer.getvalue()
    assert len(made) == len(expected)
    differing = [at for at, pair in enumerate(zip(made, expected, strict=True)) if len({*pair}) > 1]
    at = identity.header_offset
    directory = made.rindex(b"PK\x01\x02")
    allowed = {*range(at, at + 192), *range(directory + 16, directory + 20)}
    assert set(differing) <= allowed


def test_the_same_content_gives_the_same_bytes() -> None:
    content = snapshot()
    assert archive(content) == archive(content)


def test_a_large_content_is_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "LARGEST", 100)
    content = snapshot()
    assert same(opened(archive(content)), content)
    assert len(archive(content)) == len(saved(content))


class Own(Tensor):
    """A class of tensors of somebody's own."""


def _with_attribute() -> Tensor:
    tensor = torch.ones(2)
    tensor.remark = "mine"  # type: ignore[attr-defined]
    return tensor


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(torch.ones(2).to_sparse(), "torch.sparse_coo", id="sparse"),
        pytest.param(torch.ones(2, device="meta"), "on meta", id="no data"),
        pytest.param(torch.ones(2).as_subclass(Own), "got a Own", id="a class of its own"),
        pytest.param(torch.ones(2, dtype=torch.complex64).conj(), "complex64", id="conjugated"),
        pytest.param(torch.ones(2, dtype=torch.uint16), "uint16", id="a type without storages"),
        pytest.param(torch.ones(2).untyped_storage(), "got a UntypedStorage", id="a storage"),
        pytest.param(_with_attribute(), "got one that is", id="with attributes"),
        pytest.param(
            (lambda one: [one, one.view(torch.int32)])(torch.ones(2)), "same memory", id="two types"
        ),
    ],
)
def test_a_tensor_that_is_no_plain_one_is_refused(content: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        archive({"a": content})


NOT_EMPTY = st.binary(min_size=1, max_size=20)
"""What torch saves of empty bytes it does not open again."""

PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), NOT_EMPTY)
TENSORS = st.builds(
    lambda shape, dtype, cut: torch.ones(shape).to(dtype)[cut:],
    st.lists(st.integers(0, 4), min_size=1, max_size=3),
    st.sampled_from(DTYPES),
    st.integers(0, 3),
)
CONTENTS = st.recursive(
    st.one_of(PLAIN, TENSORS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.text(), st.integers()), inner, max_size=5),
        st.dictionaries(st.text(), inner, max_size=3).map(OrderedDict),
    ),
    max_leaves=30,
)


@settings(deadline=None)
@given(CONTENTS)
def test_any_plain_content_comes_back(content: Any) -> None:
    assert same(opened(archive(content)), opened(saved(content)))


def test_what_torch_refuses_to_open_is_refused_here_too() -> None:
    with pytest.raises(pickle.UnpicklingError, match="PosixPath"):
        opened(archive({"a": Path("a")}))


def test_an_archive_in_pieces_takes_each_tensor_as_it_is_written(tmp_path: Path) -> None:
    """Torch reads it, mapped into memory as well; for a reader of zip files its sums are right."""
    content, taken = snapshot(), []

    def pending(name: str, tensor: Tensor) -> Pending:
        def take() -> Tensor:
            taken.append(name)
            return tensor.clone()

        return Pending(tensor.shape, tensor.dtype, take)

    weights = {name: pending(name, one) for name, one in content["model"].items()}
    weights["none"] = pending("none", torch.empty(0, 3, dtype=torch.bfloat16))
    pieces = archive({**content, "model": weights})
    assert not isinstance(pieces, bytes)
    assert taken == []
    write_pieces(tmp_path / "last.pt", pieces)
    assert taken == list(weights)
    whole = {**content, "model": {**content["model"], "none": torch.empty(0, 3).bfloat16()}}
    for mmap in (False, True):
        assert same(torch.load(tmp_path / "last.pt", weights_only=True, mmap=mmap), whole)
    with zipfile.ZipFile(tmp_path / "last.pt") as read:
        assert read.testzip() is None
    assert same(load(tmp_path / "last.pt"), whole)
