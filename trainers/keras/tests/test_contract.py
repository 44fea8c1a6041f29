"""The specification: what is accepted, and that everything else is refused with its reason."""

import copy
import io
import json
import unittest

from aibom_trainer import contract
from aibom_trainer.contract import Events, SpecError, parse_spec

GOOD = {
    "schema": contract.SPEC_SCHEMA,
    "task": "classification",
    "inputs": dict(contract.INPUTS),
    "output_dir": contract.OUTPUT_DIR,
    "parameters": {
        "epochs": 3,
        "batch_size": None,
        "validation_split": 0.2,
        "initial_epoch": 0,
        "steps_per_epoch": None,
        "validation_steps": None,
        "validation_freq": 1,
        "seed": 7,
    },
}


def with_parameter(name: str, value: object) -> bytes:
    document = copy.deepcopy(GOOD)
    document["parameters"][name] = value
    return json.dumps(document).encode()


class SpecTest(unittest.TestCase):
    def refused(self, text: bytes, reason: str) -> None:
        with self.assertRaises(SpecError) as caught:
            parse_spec(text)
        self.assertEqual(caught.exception.reason, reason)
        self.assertEqual(caught.exception.exit_code, 2)

    def test_a_good_specification_is_read(self) -> None:
        spec = parse_spec(json.dumps(GOOD).encode())
        self.assertEqual(spec.task, "classification")
        self.assertIsNone(spec.parameters.batch_size)
        self.assertEqual(spec.parameters.seed, 7)

    def test_the_edges_of_every_range(self) -> None:
        for name, inside, outside in (
            ("epochs", (1, 100_000), (0, 100_001, 1.5, "3", True, None)),
            ("batch_size", (1, None), (0, -1, 2.0)),
            ("validation_split", (0, 0.999), (1, -0.1, "0.2", True)),
            ("initial_epoch", (0, 2), (-1, 3)),
            ("validation_freq", (1,), (0, None)),
            ("seed", (0, 2**32 - 1), (-1, 2**32)),
        ):
            for value in inside:
                parse_spec(with_parameter(name, value))
            for value in outside:
                with self.subTest(name=name, value=value):
                    self.refused(with_parameter(name, value), "spec_parameter")

    def test_unknown_and_missing_keys_are_refused_at_every_level(self) -> None:
        for path in ((), ("inputs",), ("parameters",)):
            for change, reason in (("add", "spec_unknown_key"), ("remove", "spec_missing_key")):
                document = copy.deepcopy(GOOD)
                target = document
                for key in path:
                    target = target[key]
                if change == "add":
                    target["surprise"] = 1
                else:
                    target.pop(next(iter(target)))
                with self.subTest(path=path, change=change):
                    self.refused(json.dumps(document).encode(), reason)

    def test_repeated_keys_and_nan_are_refused(self) -> None:
        text = json.dumps(GOOD)
        self.refused(text.replace('"seed": 7', '"seed": 7, "seed": 8').encode(), "spec_malformed")
        self.refused(text.replace("0.2", "NaN").encode(), "spec_malformed")
        self.refused(b"\xff", "spec_malformed")
        self.refused(b"[" * 100_000, "spec_malformed")

    def test_paths_are_fixed(self) -> None:
        document = copy.deepcopy(GOOD)
        document["inputs"]["model"] = "/etc/passwd"
        self.refused(json.dumps(document).encode(), "spec_paths")


class EventsTest(unittest.TestCase):
    def test_one_object_per_line_and_never_nan(self) -> None:
        stream = io.StringIO()
        events = Events(stream)
        events.error("code", "two\nlines")
        self.assertEqual(stream.getvalue(), '{"event":"error","reason":"code","message":"two\\nlines"}\n')
        with self.assertRaises(ValueError):
            events.emit("epoch", metrics={"loss": float("nan")})


if __name__ == "__main__":
    unittest.main()
