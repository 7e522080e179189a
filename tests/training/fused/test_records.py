"""Records of many runs are, byte for byte, what TensorBoard's own writer makes of each."""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import (
    PyRecordReader_New,
    masked_crc32c,
)
from tensorboard.plugins.hparams import metadata, summary_v2
from tensorboard.summary.writer.record_writer import RecordWriter

from seedbed.recording.events import file_version, session_end, session_starts
from seedbed.recording.tfrecords import framed, scalar_records

TAGS = ["train/loss", "val/loss", "train/lr"]
TIME = 1_764_000_000.25
SETTINGS: dict[str, Any] = {
    "seed": 3, "optimizer.lr": 0.1, "optimizer.name": "sgd", "loader.shuffle": True,
    "model.hidden": "[8, 8]", "model.name": "Straße",
}  # fmt: skip


def written_one_by_one(
    folder: Path,
    tags: Sequence[str],
    points: Sequence[tuple[int, float, Sequence[float]]],
) -> bytes:
    """The file that TensorBoard's own writer makes of these events."""
    folder.mkdir()
    path = folder / "events"
    with path.open("wb") as file:
        writer = RecordWriter(file)
        writer.write(file_version(TIME))
        for step, at, values in points:
            named = zip(tags, values, strict=True)
            summary = Summary(value=[Summary.Value(tag=t, simple_value=v) for t, v in named])
            event = Event(step=step, summary=summary, wall_time=at)
            writer.write(event.SerializeToString())
    return path.read_bytes()


@pytest.mark.parametrize(
    ("steps", "times"),
    [
        pytest.param([0, 1, 2], [TIME, TIME + 1, TIME + 2], id="from step 0"),
        pytest.param([127, 128, 16_383], [TIME] * 3, id="longer and longer steps"),
        pytest.param([2**31, 2**40, 2**63 - 1], [TIME] * 3, id="large steps"),
        pytest.param([-1, 0, 5], [0.0, 1.0, TIME], id="nothing that protobuf leaves out"),
    ],
)
@pytest.mark.parametrize("tags", [TAGS, TAGS[:1], ["", "ü" * 100]], ids=["three", "one", "odd"])
def test_scalars_are_those_of_an_event_file(
    tmp_path: Path, steps: list[int], times: list[float], tags: list[str]
) -> None:
    values = np.random.default_rng(0).normal(size=(5, 3, len(tags))).astype(np.float32)
    values[0, 0], values[1, :, 0], values[2, 1], values[3, 2] = 0, np.nan, np.inf, -np.inf
    values[4, 0] = np.finfo(np.float32).smallest_subnormal
    made = scalar_records(tags, np.array(steps), np.array(times), values)
    (version,) = framed([file_version(TIME)])
    for run, records in enumerate(made):
        points = list(zip(steps, times, values[run].tolist(), strict=True))
        expected = written_one_by_one(tmp_path / str(run), tags, points)
        assert version + records == expected


def test_records_of_many_names_are_those_of_an_event_file(tmp_path: Path) -> None:
    tags = [f"result/test/label_{number}/f1" for number in range(250)]
    values = np.random.default_rng(0).normal(size=(1, 1, len(tags))).astype(np.float32)
    (records,) = scalar_records(tags, np.array([3]), np.array([TIME]), values)
    (version,) = framed([file_version(TIME)])
    points = [(3, TIME, values[0, 0].tolist())]
    assert version + records == written_one_by_one(tmp_path / "one", tags, points)


@pytest.mark.parametrize("shape", [(0, 3, 2), (3, 0, 2)], ids=["no runs", "no points"])
def test_nothing_gives_no_bytes(shape: tuple[int, int, int]) -> None:
    points = shape[1]
    values = np.zeros(shape, np.float32)
    made = scalar_records(TAGS[:2], np.arange(points), np.zeros(points), values)
    assert made == [b""] * shape[0]


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    values = np.zeros((2, 3, 2), np.float32)
    with pytest.raises(ValueError, match=r"values must be \(runs, 4, 2\)"):
        scalar_records(TAGS[:2], np.arange(4), np.zeros(4), values)


def framed_by_tensorboard(payload: bytes) -> bytes:
    head = struct.pack("<Q", len(payload))
    sums = [struct.pack("<I", masked_crc32c(part)) for part in (head, payload)]
    return head + sums[0] + payload + sums[1]


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(st.binary(max_size=200), st.integers(0, 9000).map(lambda n: bytes([n % 256]) * n))
    )
)
def test_a_record_is_framed_as_tensorboard_frames_it(payloads: list[bytes]) -> None:
    assert framed(payloads) == [framed_by_tensorboard(payload) for payload in payloads]


def test_a_long_payload_among_short_ones_is_framed_right() -> None:
    payloads = [b"abc", np.random.default_rng(0).bytes(100_001), b"", b"x" * 64]
    assert framed(payloads) == [framed_by_tensorboard(payload) for payload in payloads]


def test_tensorboard_reads_a_whole_file(tmp_path: Path) -> None:
    values = np.array([[[1.5], [np.nan], [np.inf]]], np.float32)
    (points,) = scalar_records(["train/loss"], np.arange(3), np.full(3, TIME), values)
    (start,) = session_starts([SETTINGS], ["sweep/0"], TIME)
    others = framed([file_version(TIME), start, session_end(True, TIME + 1)])
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"".join((*others[:2], points, others[2])))
    read = list(EventFileLoader(str(path)).Load())
    assert [event.step for event in read] == [0, 0, 0, 1, 2, 0]
    told = [event.summary.value[0].tensor.float_val[0] for event in read[2:5]]
    assert np.array_equal(told, [1.5, np.nan, np.inf], equal_nan=True)
    reader, count = PyRecordReader_New(str(path)), 0  # checks both checksums of every record
    for _ in read:
        reader.GetNext()
        count += 1
    assert count == 6


def test_session_starts_say_what_tensorboard_s_own_would() -> None:
    plain = [{**SETTINGS, "seed": seed, "optimizer.lr": seed / 7} for seed in range(3)] + [SETTINGS]
    names = [f"sweep/{number}" for number in range(4)]
    for one, name, start in zip(plain, names, session_starts(plain, names, TIME), strict=True):
        summary = summary_v2.hparams_pb(one, trial_id=name, start_time_secs=TIME)
        expected = Event(wall_time=TIME)
        expected.summary.MergeFromString(summary.SerializeToString())
        assert _hparams(Event.FromString(start)) == _hparams(expected)


def _hparams(event: Any) -> tuple[Any, Any]:
    """What the plugin reads, and the event without it: a map's order in the bytes is any."""
    plugin = event.summary.value[0].metadata.plugin_data
    data = metadata.parse_session_start_info_plugin_data(plugin.content)
    plugin.content = b""
    return data, event


def test_zero_and_minus_zero_are_kept_apart() -> None:
    starts = session_starts([{"a": 0.0}, {"a": -0.0}], ["a", "b"], TIME)
    told = [_hparams(Event.FromString(start))[0].hparams["a"].number_value for start in starts]
    assert [str(value) for value in told] == ["0.0", "-0.0"]


def test_equal_settings_of_other_kinds_are_kept_apart() -> None:
    plain: list[dict[str, Any]] = [{"a": 1}, {"a": True}, {"a": "1"}, {"a": 1.0}]
    starts = session_starts(plain, ["a"] * 4, TIME)
    kinds = []
    for start in starts:
        (value,) = Event.FromString(start).summary.value
        data = metadata.parse_session_start_info_plugin_data(value.metadata.plugin_data.content)
        kinds.append(data.hparams["a"].WhichOneof("kind"))
    assert kinds == ["number_value", "bool_value", "string_value", "number_value"]


def test_a_setting_that_is_no_plain_value_is_refused() -> None:
    with pytest.raises(TypeError, match=r"text, number or truth value, got a=\[1\]"):
        session_starts([{"a": [1]}], ["run"], TIME)


def test_an_event_file_holds_these_payloads(tmp_path: Path) -> None:
    (start,) = session_starts([SETTINGS], ["run"], TIME)
    payloads = [file_version(TIME), start, session_end(False, TIME)]
    path = tmp_path / "events"
    with path.open("wb") as file:
        writer = RecordWriter(file)
        for payload in payloads:
            writer.write(payload)
    assert path.read_bytes() == b"".join(framed(payloads))
