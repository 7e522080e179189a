"""What the records of an event file say, made without TensorFlow.

HParams go into the same file as two records, the session's start and its end, so that the run is
not split in two. Source: TensorBoard's `plugins/hparams/summary_v2.py` and `plugin_data.proto`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_FLOAT
from tensorboard.plugins.hparams.api_pb2 import STATUS_FAILURE, STATUS_SUCCESS
from tensorboard.plugins.hparams.plugin_data_pb2 import (
    HParamsPluginData,
    SessionEndInfo,
    SessionStartInfo,
)

HPARAMS = "hparams"
START_TAG, END_TAG = "_hparams_/session_start_info", "_hparams_/session_end_info"
NO_VALUE = TensorProto(
    dtype=DT_FLOAT, tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=0)])
)
"""Names and form of the plugin's records. Its module `metadata` has them, and brings half of a
stand-in for TensorFlow; tests hold both equal."""

SHOWN = {
    "data": ("name", "dataset", "path", "standardize", "fold"),
    "loader": ("batch_size", "shuffle"),
    "trainer": ("epochs", "precision", "gradient_clip", "gradient_clip_value", "early_stopping"),
}
"""HParams of these groups; the dashboard opens with the first few columns, so the rest is left out.

Groups that are not named here are shown whole."""


def image_summary(tag: str, png: bytes, width: int, height: int) -> Summary:
    """One picture, colours in RGBA."""
    image = Summary.Image(height=height, width=width, colorspace=4, encoded_image_string=png)
    return Summary(value=[Summary.Value(tag=tag, image=image)])


def result_tag(metric: str) -> str:
    """The tag of a metric of `result.json`: `val (result)/loss`, `view/result/test/loss`.

    HPARAMS shows the first five tags in the order of their bytes, where a space comes before a
    slash: the results in front of the curves `val/…`, of which it would show the last point. TIME
    SERIES opens the first two groups, and sorts names that go on behind those that end: `train` and
    `val`. A test holds both.
    """
    part, _, name = metric.partition("/")
    return f"val (result)/{name}" if part == "val" else f"view/result/{metric}"


def shows_rate(scheduler: Mapping[str, Any]) -> bool:
    """Whether a run has a curve of its learning rate; a rate that never moves is a setting."""
    return any(scheduler.get(key) is not None for key in ("_target_", "warmup"))


def file_version(time: float) -> bytes:
    """The event that a file begins with; `time` in seconds since 1970, as below."""
    written: bytes = Event(file_version="brain.Event:2", wall_time=time).SerializeToString()
    return written


def session_starts(
    settings: Sequence[Mapping[str, Any]], names: Sequence[str], time: float
) -> list[bytes]:
    """HParams: for each of many runs, the event that says what it was set to.

    Args:
        settings: texts, numbers and truth values by name, of each run.
        names: of the runs; without them runs with equal settings would become one row.
        time: when they all start.

    Raises:
        TypeError: if a setting is something else.
    """
    # The runs of a sweep share most settings: each is encoded once. Protobuf reads messages that
    # stand one after the other as one. `repr` tells 0.0 from -0.0, and one NaN is as good as all.
    encoded: dict[tuple[str, type, str], bytes] = {}
    starts = []
    for plain, name in zip(settings, names, strict=True):
        parts = []
        for key in sorted(plain):
            value = plain[key]
            known = (key, type(value), value if isinstance(value, str) else repr(value))
            part = encoded.get(known)
            if part is None:
                part = encoded[known] = _setting(key, value)
            parts.append(part)
        parts.append(SessionStartInfo(group_name=name, start_time_secs=time).SerializeToString())
        start = SessionStartInfo.FromString(b"".join(parts))
        data = HParamsPluginData(session_start_info=start)
        starts.append(_session(START_TAG, data, time))
    return starts


def session_end(succeeded: bool, time: float) -> bytes:
    """HParams: the event that says how a run ended."""
    status = STATUS_SUCCESS if succeeded else STATUS_FAILURE
    data = HParamsPluginData(session_end_info=SessionEndInfo(status=status, end_time_secs=time))
    return _session(END_TAG, data, time)


def _setting(name: str, value: Any) -> bytes:
    """One setting, as a session start that holds no other."""
    start = SessionStartInfo()
    if isinstance(value, bool):
        start.hparams[name].bool_value = value
    elif isinstance(value, int | float):
        start.hparams[name].number_value = value
    elif isinstance(value, str):
        start.hparams[name].string_value = value
    else:
        raise TypeError(f"a setting is a text, number or truth value, got {name}={value!r}")
    encoded: bytes = start.SerializeToString()
    return encoded


def _session(tag: str, data: Any, time: float) -> bytes:
    """Source: `_summary_pb` in TensorBoard's `summary_v2.py`, a private function."""
    plugin = SummaryMetadata.PluginData(plugin_name=HPARAMS, content=data.SerializeToString())
    metadata = SummaryMetadata(plugin_data=plugin)
    value = Summary.Value(tag=tag, tensor=NO_VALUE, metadata=metadata)
    event: bytes = Event(summary=Summary(value=[value]), wall_time=time).SerializeToString()
    return event


def hparams_of(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that TensorBoard shows as columns, by dotted key.

    Args:
        plain: the resolved config.
    """
    shown: dict[str, Any] = {"seed": plain["seed"]}
    for group in ("model", "data", "loader", "loss", "optimizer", "scheduler", "trainer"):
        keys = SHOWN.get(group, tuple(plain[group]))
        shown |= _flat({key: plain[group].get(key) for key in keys}, group)
    return {key: value for key, value in shown.items() if value is not None}


def _flat(value: Any, path: str) -> dict[str, Any]:
    if isinstance(value, Mapping):
        flat: dict[str, Any] = {}
        for key, item in value.items():
            flat |= _flat(item, f"{path}.{key}")
        return flat
    if value is None or isinstance(value, bool | int | float | str):
        return {path: value}
    text = str(value)
    return {path: text if len(text) <= 100 else f"{text[:97]}..."}
