"""Random input that is mostly wrong: overrides, YAML of a user's own, data files."""

import io
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet

CONF = Path(__file__).resolve().parents[2] / "conf"
RIGHT = """model=custom|model=manual|model=sequential|model.hidden=[16,8]|model.activation=tanh|
model.dropout=0.2|model.batch_norm=true|model.bias=false|model.in_features=2|model.start=xavier|
data=sum|data=sklearn|data.dataset=iris|data.standardize=false|data.split.validation=0.2|
data.features=[x1]|data.target=y|data.x=[[1,2],[3,4],[5,6]]|data.y=[1,2,3]|data.task=regression|
loader=full_batch|loader.batch_size=4|loader.shuffle=false|loader.num_workers=0|loss=huber|
loader.drop_last=true|loss=cross_entropy|loss.delta=0.5|optimizer=adamw|optimizer.lr=1e-3|
optimizer.betas=[0.9,0.99]|optimizer.momentum=0.9|optimizer.weight_decay=0.1|scheduler=cosine|
scheduler=onecycle|scheduler.patience=3|scheduler=step|trainer=quick|trainer.epochs=3|
trainer.device=cpu|trainer.precision=float32|trainer.gradient_clip=1.0|trainer.monitor=train/loss|
trainer.log_every='3 steps'|trainer.checkpoint_every=2|trainer.early_stopping=3|seed=7|name=mine|
trainer.early_stopping.min_delta=0.1|model.layers=[{Linear:8},ReLU,Linear]|allow=[my_package]|
model._target_=torch.nn.Linear|optimizer._target_=torch.optim.NAdam|experiment=digits|sweep.plot=true|
loss._target_=torch.nn.SmoothL1Loss|scheduler._target_=torch.optim.lr_scheduler.ExponentialLR|
+scheduler.gamma=0.9|+optimizer.maximize=true|~model.hidden|hydra.run.dir=out|hydra.job.name=x|
experiment=table|data=csv|data.path=table.csv|data=parquet|data=npz|data=dataset|+data.train.x=1|
model._target_=torch.nn.Conv2d|model._target_=torch.nn.LSTM|model._target_=torch.nn.Embedding"""
VALUES = """0|-1|1|2|0.5|-0.0|1e400|-1e400|1e-400|nan|inf|-inf|.nan|.inf|99999999999999999999999|
1e18|4294967296|null|~|true|false|on|'on'|''|""|[]|{}|[[]]|[null]|[1,,2]|[1,[2,[3]]]|{a:1}|{a:{b:c}}|
{1:2}|{_target_:os.system}|{_target_:torch.nn.ReLU}|[{Linear:8}]|[{Linear:[1,2,3,4,5]}]|[Linear]|
[ReLU,{Conv2d:{out_channels:1}}]|[{Dropout:nan}]|[Flatten]|[{LSTM:4}]|[{Embedding:3}]|???|'???'|
${seed}|${optimizer.lr}|${nope}|${.}|${..}|${seed|${oc.env:HOME}|${oc.env:NOPE}|${oc.decode:'['}|
${hydra:runtime.cwd}|${oc.select:a,b}|${oc.create:{a:1}}|${now:%Y}|${model}|${data.x}|$|$$|\\${x}|
1,2,3|a,b|range(0,3)|range(1)|choice(1,2)|glob(*)|interval(0,1)|sort(3,2)|shuffle(1)|int(a)|
float(1e400)|json_str(1)|extend_list(1)|tag(a,1)|é|ü=ö|日本|🙂|\u202e|\x7f|\t|a b|a\\b|
'a|"a|a'|[|]|(|)|{|}|:|=|==|/|//|../x|.|..|-|--help|-m|@|a@b|a/b|%|#|!x|&x|*x|`x`|0x10|0o7|1_000|1:30|2024-01-01|yes"""
JUNK = list("[]{}()=,:'\"\\$~+@/.-_ \t\n#!&*%|<>?;0aZé日🙂\x00\x01\u202e\ufeff")
TABLE = """w,h,color,day,kind\n""" + "".join(
    f"{n},{n * 0.5 - 3},{('red', 'blue', '')[n % 3]},2024-01-{n % 28 + 1:02},{'ab'[n % 2]}\n"
    for n in range(30)
)
CELLS = """0|1|-1|0.5|1e308|1e400|-1e400|nan|inf|NaN|null|NA|N/A||true|false|True|yes|a|b|é|🙂|'|
"a"|"a,b"|99999999999999999999|0x1|1_0|1,5|2024-01-01|2024-13-45|12:30| 1 |-0|1e-320|\ufeff|.|-|+"""


@dataclass
class Case:
    """One thing to try.

    Args:
        words: the command line.
        files: to be put into the folder, by path.
    """

    words: list[str]
    files: dict[str, bytes] = field(default_factory=dict)


def case(rng: random.Random) -> Case:
    """A random one; a fifth is trained if it is right, the rest is validated."""
    made = rng.choice(KINDS)(rng)
    if rng.random() < 0.2:
        fixed = ["trainer.epochs=1", "trainer.threads=1", "loader.num_workers=0"]
        return Case(["train", *made.words, *fixed, "hydra.run.dir=run"], made.files)
    return Case(["validate", *made.words], made.files)


def overrides(rng: random.Random) -> Case:
    """A few overrides, right ones, mutated ones and made-up ones."""
    made = [_override(rng) for _ in range(rng.randint(1, 4))]
    return Case(["--", *made] if any(word.startswith("-") for word in made) else made)


def yaml_file(rng: random.Random) -> Case:
    """A file in the user's own conf/: a shipped one with wrong bytes, or made up."""
    group = rng.choice(["experiment", "experiment", "model", "data", "trainer", "optimizer", ""])
    shipped = sorted((CONF / group).glob("*.yaml"))
    if rng.random() < 0.6:
        content = _mutated(rng, rng.choice(shipped).read_bytes(), rng.randint(1, 6))
    else:
        top = "# @package _global_\n" if rng.random() < 0.7 else ""
        content = (top + _random_yaml(rng, 0)).encode("utf-8", "surrogatepass")
    if not group:
        return Case([], {"conf/config.yaml": content})
    return Case(
        [f"{group}={rng.choice(['mine', 'mine', '[mine]'])}"], {f"conf/{group}/mine.yaml": content}
    )


def data_file(rng: random.Random) -> Case:
    """A table with wrong bytes, or made up, for experiment=table."""
    ending, make = rng.choice(
        [("csv", _csv), ("csv", _csv), ("tsv", _csv), ("parquet", _parquet), ("npz", _npz)]
    )
    content = make(rng)
    if rng.random() < 0.5:
        content = _mutated(rng, content, rng.randint(1, 8))
    target = rng.choice(["kind", "kind", "w", "h", "color", "day", "nope", "[w,h]", "[kind,w]"])
    words = ["experiment=table", f"data.path=table.{ending}", f"data.target={target}"]
    if ending in ("parquet", "npz"):
        words.insert(1, f"data={ending}")
    if rng.random() < 0.3:
        words.append(rng.choice(_DATA_WORDS))
    return Case(words, {f"table.{ending}": content})


_DATA_WORDS = """data.categories=[w]|data.features=[w]|data.features=[color,day]|data.task=binary|
data.task=multiclass|data.task=regression|data.split.validation=0|data.split.stratify=false|
data.delimiter=";"|data.encoding=latin-1|data.encoding=utf-16|data.encoding=nope|data.test_path=table.csv|
data.standardize=false|data.max_categories=1|loader.batch_size=1|loss=mse|loss=bce|
data.delimiter=é|data.delimiter='"'|data.validation_path=nope.csv""".replace("\n", "").split("|")
KINDS: list[Callable[[random.Random], Case]] = [overrides, overrides, yaml_file, data_file]


def _listed(text: str) -> list[str]:
    return text.replace("|\n", "|").split("|")


_RIGHT, _VALUES, _CELLS = _listed(RIGHT), _listed(VALUES), _listed(CELLS)
_KEYS = [word.partition("=")[0].lstrip("+~") for word in _RIGHT]


def _override(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.2:
        return rng.choice(_RIGHT)
    if kind < 0.4:
        return _damaged(rng, rng.choice(_RIGHT))
    operator = rng.choice(["", "", "", "", "+", "++", "~"])
    key = rng.choice(_KEYS) if rng.random() < 0.85 else _text(rng)
    value = rng.choice(_VALUES) if rng.random() < 0.85 else _text(rng)
    return f"{operator}{key}={value}" if rng.random() < 0.95 else f"{operator}{key}"


def _damaged(rng: random.Random, text: str) -> str:
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(text) + 1)
        gone = rng.choice([0, 0, 1, 2])
        text = text[:at] + rng.choice(["", *JUNK]) + text[at + gone :]
    return text.replace("\x00", "")  # no command line can hold one


def _text(rng: random.Random) -> str:
    return "".join(rng.choice(JUNK) for _ in range(rng.randint(1, 8))).replace("\x00", "")


def _mutated(rng: random.Random, content: bytes, times: int) -> bytes:
    data = bytearray(content)
    for _ in range(times):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(5):
            case 0:
                data[at:at] = bytes([rng.randrange(256)])
            case 1:
                del data[at : at + rng.choice([1, 1, 4, 40])]
            case 2:
                data[at : at + 1] = rng.choice(JUNK).encode()
            case 3:
                data[at:at] = rng.choice(_VALUES + _CELLS).encode("utf-8", "surrogatepass")
            case _:
                other = rng.randrange(len(data) + 1)
                data[at:at] = data[other : other + rng.randint(1, 30)]
    return bytes(data)


def _random_yaml(rng: random.Random, depth: int) -> str:
    lines = []
    for _ in range(rng.randint(0 if depth else 1, 4)):
        key = rng.choice(_KEYS).rpartition(".")[2] if rng.random() < 0.5 else rng.choice(_TOP)
        if depth < 3 and rng.random() < 0.4:
            inner = _random_yaml(rng, depth + 1)
            lines.append(f"{key}:\n" + "".join(f"  {line}\n" for line in inner.splitlines()))
        elif rng.random() < 0.1:
            lines.append(f"- {rng.choice(_VALUES)}\n")
        else:
            lines.append(f"{key}: {rng.choice(_VALUES)}\n")
    return "".join(lines)


_TOP = [
    "data",
    "model",
    "trainer",
    "optimizer",
    "loader",
    "seed",
    "defaults",
    "hydra",
    "name",
    "loss",
]
_TOP += [
    "override /data",
    "'@package'",
    "_target_",
    "? [a]",
    "<<",
    "1",
    "null",
    "true",
    "x",
    "source",
]


def _csv(rng: random.Random) -> bytes:
    if rng.random() < 0.5:
        return TABLE.encode()
    names = rng.sample(["w", "h", "color", "day", "kind", "", "w", "é", "a b"], rng.randint(1, 7))
    rows = [names] + [[rng.choice(_CELLS) for _ in names] for _ in range(rng.randint(0, 30))]
    return "\n".join(rng.choice([",", ",", ",", ",", "\t"]).join(row) for row in rows).encode()


def _parquet(rng: random.Random) -> bytes:
    makers: list[Callable[[int], object]] = [
        lambda n: n, lambda n: n * 0.5, lambda n: "ab"[n % 2], lambda n: None,
        lambda n: bool(n % 2), lambda n: [n, n], lambda n: {"a": n}, lambda n: b"x",
        lambda n: float("nan"),
        lambda n: "", lambda n: [1e308, float("inf"), 0.0][n % 3],
    ]  # fmt: skip
    rows = rng.choice([0, 1, 2, 30])
    chosen = {name: rng.choice(makers) for name in ("w", "h", "color", "day", "kind")}
    buffer = io.BytesIO()
    columns = {name: [make(n) for n in range(rows)] for name, make in chosen.items()}
    pyarrow.parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()


def _npz(rng: random.Random) -> bytes:
    rows = rng.choice([0, 1, 2, 30])
    makers: list[Callable[[], object]] = [
        lambda: np.arange(rows), lambda: np.arange(rows) / 3, lambda: np.zeros((rows, 2, 3)),
        lambda: np.array(["ab"[n % 2] for n in range(rows)]), lambda: np.zeros(rows, bool),
        lambda: np.float64(3), lambda: np.zeros(rows, complex), lambda: np.full(rows, np.nan),
        lambda: np.zeros(rows, "M8[s]"), lambda: np.zeros((rows, 0)), lambda: np.arange(rows + 1),
        lambda: np.array([{}] * rows, dtype=object), lambda: np.full(rows, 1e308),
        lambda: np.zeros(rows, [("a", int)]), lambda: np.zeros(rows, "S3"),
    ]  # fmt: skip
    names = rng.sample(["w", "h", "color", "day", "kind"], rng.randint(1, 5))
    buffer = io.BytesIO()
    np.savez(buffer, **{name: rng.choice(makers)() for name in names})
    return buffer.getvalue()
