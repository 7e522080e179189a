"""`seedbed inspect`: weights, batches, and what the layers make of an input."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seedbed.cli.arguments import (
    Parser,
    parsed_json,
    print_notes,
    refuse_idle_flag,
    rows_file,
)
from seedbed.cli.models import add_arguments, built, run_named, trained_model
from seedbed.errors import ArgumentError
from seedbed.process.exit_codes import DONE
from seedbed.runs.files import json_text


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "inspect",
        "The weights of a run (or the starting weights of a config), the names of its layers, "
        "their values for an input, or the batches of a config's first epoch.",
        "seedbed inspect outputs/sum/2026-… --layer hidden_layer_activation --input '[[1, 2]]'",
    )
    add_arguments(made)
    made.add_argument("--weights", action="store_true", help="every tensor of the state_dict")
    made.add_argument("--layers", action="store_true", help="the names that --layer takes")
    made.add_argument("--layer", action="append", default=[], metavar="NAME", help="its values")
    rows = made.add_mutually_exclusive_group()
    rows.add_argument("--input", metavar="JSON", help="rows, for --layer")
    rows.add_argument("--file", metavar="FILE", type=rows_file, help="likewise, as of predict")
    made.add_argument("--batches", action="store_true", help="of the first epoch, of a config")
    made.add_argument("--checkpoint", choices=("last", "best"), help="instead of model.pth")
    return made


def main(argv: Sequence[str]) -> int:
    """Prints; the exit code."""
    args = parser().parse_intermixed_args(argv)
    run = run_named(args.what, args.config_dir)
    _refuse(args, run)
    rows = parsed_json(args.input, "--input") if args.input is not None else None
    report: dict[str, Any] = {}
    if run is None:
        plan = built(args.what, args.config_dir)
        if args.batches:
            report |= _batches(plan, as_json=args.json)
        from seedbed.views.trained import untrained

        report |= _of_model(untrained(plan), args, rows)
    else:
        with trained_model(run, args.checkpoint, file=args.file, shown=args.weights) as model:
            report |= _of_model(model, args, rows)
    if args.json:
        print(json_text(report))
    return DONE


def _of_model(model: Any, args: Any, rows: Any) -> dict[str, Any]:
    """What is asked of the model; printed, unless it is for JSON.

    Args:
        model: trained, or with its starting weights.
        args: as typed.
        rows: of `--input`.
    """
    report: dict[str, Any] = {}
    if args.weights:
        report |= _weights(model, as_json=args.json)
    if args.layers:
        report |= _names(model, as_json=args.json)
    if args.layer:
        report |= _values(model, _rows(model, rows, args.file), args.layer, as_json=args.json)
    return report


def _refuse(args: Any, run: str | None) -> None:
    if not (args.weights or args.layers or args.layer or args.batches):
        raise ArgumentError(
            "inspect: say what to show: --weights, --layers, --batches, or --layer NAME --input "
            "'[[1, 2]]'"
        )
    if args.layer and args.input is None and args.file is None:
        raise ArgumentError("inspect --layer needs rows; type --input '[[1, 2]]', or --file FILE")
    if not args.layer:
        refuse_idle_flag("--input", args.input is not None, "goes with --layer NAME")
        refuse_idle_flag("--file", args.file is not None, "goes with --layer NAME")
    if run is None:
        refuse_idle_flag("--checkpoint", args.checkpoint, "is for a run, not for overrides")
    elif args.batches:
        raise ArgumentError("inspect --batches takes overrides, as seedbed train does, not a run")


def _batches(plan: Any, *, as_json: bool) -> dict[str, Any]:
    from seedbed.data.nested import in_lists

    batches = [{"x": in_lists(x), "y": y.tolist()} for x, y in plan.train.epoch(0)]
    if not as_json:
        for number, batch in enumerate(batches, 1):
            print(f"batch {number}: x {batch['x']}  y {batch['y']}")
    return {"batches": batches}


def _weights(model: Any, *, as_json: bool) -> dict[str, Any]:
    from seedbed.views import layers

    if not as_json:
        for name, tensor in model.model.state_dict().items():
            print(f"{name} {tuple(tensor.shape)}\n{tensor}")
    return layers.weights(model)


def _names(model: Any, *, as_json: bool) -> dict[str, Any]:
    from seedbed.data.nested import zeros
    from seedbed.views import layers

    names = layers.layer_names(model, zeros(model.preprocessing.row_form, 1))
    if not as_json:
        for name, shape in names.items():
            print(f"{name}  {'' if shape is None else shape}".rstrip())
    return {"layers": names}


def _rows(model: Any, rows: Any, file: str | None) -> Any:
    """Of `--input`, or of `--file`."""
    from seedbed.data.json_rows import rows_from_json
    from seedbed.data.new_rows import opened_rows, rows_from_file

    if file is None:
        return rows_from_json(rows, model.preprocessing)
    opened = opened_rows(Path(file), model.config.get("data", {}), model.preprocessing)
    return rows_from_file(opened, model.preprocessing)


def _values(model: Any, new: Any, names: Sequence[str], *, as_json: bool) -> dict[str, Any]:
    from seedbed.views import layers
    from seedbed.views.predict import as_batch

    print_notes(new.notes)
    inputs = as_batch(new.inputs)
    values = layers.chosen(layers.layer_values(model, inputs), names)
    output = layers.output(model, inputs)
    hidden = layers.returned_hidden(model, inputs)
    if not as_json:
        for name, value in values.items():
            print(f"{name} {tuple(value.shape)}, by calling the layers in turn\n{value}")
        if hidden is not None:
            print(f"hidden {tuple(hidden.shape)}, as forward returns it with the output\n{hidden}")
        print(f"output {tuple(output.shape)}\n{output}")
    report: dict[str, Any] = {
        "output": output.tolist(),
        "layers": {name: value.tolist() for name, value in values.items()},
    }
    if hidden is not None:
        report["hidden"] = hidden.tolist()
    return report
