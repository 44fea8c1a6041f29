"""Entry point: one run, from spec.json to the output files. README.md states the contract."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

from . import contract, fit, model, report
from .contract import EXIT_OK, EXIT_UNEXPECTED, INPUTS, OUTPUT_DIR, OUTPUTS, Events, Spec, TrainerError
from .data import (
    Classes,
    ColumnFit,
    Table,
    class_labels,
    fit_columns,
    load_table,
    prepare,
    regression_targets,
)
from .definition import Definition, load_definition
from .split import ALGORITHM, Split, split_rows


def main() -> int:
    """Runs the job and returns the exit code; every failure is an event first."""
    events = contract.claim_stdout()
    try:
        run(events)
    except TrainerError as error:
        print(f"{error.reason}: {error}", file=sys.stderr)
        events.error(error.reason, str(error))
        return error.exit_code
    except OSError as error:
        traceback.print_exc()
        events.error("output_failed", f"{error.strerror or error}")
        return EXIT_UNEXPECTED
    except Exception as error:  # the last resort: say what happened, then fail
        traceback.print_exc()
        events.error("unexpected", f"{type(error).__name__}: {model.first_line(error)}")
        return EXIT_UNEXPECTED
    return EXIT_OK


def run(events: Events) -> None:
    """Specification, data, model, training, outputs: each step refuses before the next one starts."""
    spec = contract.load_spec(contract.SPEC_PATH)
    frameworks = model.import_frameworks(spec.parameters.seed)
    events.emit(
        "start", trainer={"name": contract.TRAINER, "version": contract.VERSION}, frameworks=frameworks
    )

    definition = load_definition(Path(INPUTS["definition"]))
    table = load_table(Path(INPUTS["dataset"]), definition)
    classes = class_labels(table, definition) if spec.task == "classification" else None
    targets = regression_targets(table, definition) if classes is None else None
    division = split_rows(table.rows, spec.parameters.validation_split, spec.parameters.seed)
    fits = fit_columns(table, definition, division.train)
    emit_data(events, definition, table, division, classes)

    prepared = model.load_model(
        Path(INPUTS["model"]), spec.task, len(definition.features), definition.output_shape
    )
    encoding = model.target_encoding(prepared, spec.task, None if classes is None else len(classes.names))
    steps = fit.effective_steps(spec.parameters, len(division.train), len(division.validation))
    effective = effective_parameters(spec, prepared, steps, definition, encoding)
    events.emit("effective", parameters=effective)

    history = report.History()

    def on_epoch(epoch: int, metrics: dict[str, float]) -> None:
        history.add(epoch, metrics)
        events.emit("epoch", epoch=epoch, epochs=spec.parameters.epochs, metrics=metrics)

    train, validation = arrays(table, definition, fits, classes, targets, division, encoding, prepared.units)
    fit.train(prepared.model, train, validation, spec.parameters, steps, on_epoch)
    final = {
        "train": fit.evaluate(prepared.model, train, steps.batch_size),
        "validation": None
        if validation is None
        else fit.evaluate(prepared.model, validation, steps.batch_size),
    }

    out = Path(OUTPUT_DIR)
    fit.save(prepared.model, out / "model.keras")
    contract.write_json(
        out / "metrics.json", report.metrics(spec.task, history, final, effective, frameworks)
    )
    contract.write_json(
        out / "preprocessing.json", report.preprocessing(definition, fits, classes, len(division.train))
    )
    contract.write_json(out / "split.json", report.split(spec.parameters, division))
    events.emit("done", outputs=list(OUTPUTS))


def emit_data(
    events: Events, definition: Definition, table: Table, division: Split, classes: Classes | None
) -> None:
    """Says what was read."""
    events.emit(
        "data",
        rows=table.rows,
        columns=len(definition.kinds),
        ignored_columns=list(table.ignored_columns),
        train_rows=len(division.train),
        validation_rows=len(division.validation),
        classes=None if classes is None else list(classes.names),
    )


def effective_parameters(
    spec: Spec, prepared: model.Prepared, steps: fit.Steps, definition: Definition, encoding: str
) -> dict[str, Any]:
    """Every parameter as it is in effect, whether asked for, taken from the model or a default."""
    asked = spec.parameters
    preprocessing = definition.preprocessing
    return {
        "task": spec.task,
        "epochs": asked.epochs,
        "initial_epoch": asked.initial_epoch,
        "batch_size": steps.batch_size,
        "steps_per_epoch": steps.steps_per_epoch,
        "validation_split": asked.validation_split,
        "validation_steps": steps.validation_steps,
        "validation_freq": asked.validation_freq if steps.validation_steps else None,
        "seed": asked.seed,
        "shuffle": "once",
        "split": ALGORITHM,
        "preprocessing": preprocessing.kind,
        "preprocessing_scale": preprocessing.scale,
        "preprocessing_clip": None if preprocessing.clip is None else list(preprocessing.clip),
        "target_encoding": encoding,
        **model.compile_config(prepared),
        "deterministic": True,
        "intra_op_threads": model.INTRA_OP_THREADS,
        "inter_op_threads": model.INTER_OP_THREADS,
    }


def arrays(
    table: Table,
    definition: Definition,
    fits: list[ColumnFit],
    classes: Classes | None,
    targets: list[float] | None,
    division: Split,
    encoding: str,
    units: int,
) -> tuple[tuple[Any, Any], tuple[Any, Any] | None]:
    """The train and validation rows as arrays; preprocessing knows the train rows only."""
    import numpy  # noqa: PLC0415

    columns = [prepare(column, fit, definition) for column, fit in zip(table.features, fits, strict=True)]
    features = numpy.column_stack([numpy.frombuffer(column, dtype="float64") for column in columns]).astype(
        "float32"
    )
    values = numpy.asarray(targets if classes is None else classes.indexes)
    if encoding == "index":
        labels = values.astype("int64")
    elif encoding == "one_hot":
        labels = numpy.eye(units, dtype="float32")[values]
    else:
        labels = values.astype("float32").reshape(-1, 1)
    train = (features[division.train], labels[division.train])
    if not division.validation:
        return train, None
    return train, (features[division.validation], labels[division.validation])


if __name__ == "__main__":
    sys.exit(main())
