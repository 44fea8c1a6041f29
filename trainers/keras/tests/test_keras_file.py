"""`.keras` archives: what is refused before Keras sees them, and reproducible bytes."""

import io
import json
import tempfile
import unittest
import zipfile
from pathlib import Path

import h5py

from aibom_trainer import keras_file
from aibom_trainer.contract import ModelError

PLAIN = {"module": "keras", "class_name": "Sequential", "config": {"layers": []}}


def weights(change=None) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["layers/dense/vars/0"] = [1.0, 2.0]
        if change:
            change(file)
    return buffer.getvalue()


class ArchiveTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "model.keras"

    def write(
        self, config=PLAIN, content=None, extra=(), date="2020-01-02@03:04:05", when=(2020, 1, 2, 3, 4, 6)
    ) -> Path:
        with zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in (
                ("metadata.json", json.dumps({"keras_version": "3", "date_saved": date})),
                ("config.json", json.dumps(config)),
                ("model.weights.h5", content or weights()),
                *extra,
            ):
                archive.writestr(zipfile.ZipInfo(name, when), data, zipfile.ZIP_DEFLATED)
        return self.path

    def refused(self, reason: str, **archive) -> None:
        with self.assertRaises(ModelError) as caught:
            keras_file.inspect(self.write(**archive))
        self.assertEqual(caught.exception.reason, reason)
        self.assertEqual(caught.exception.exit_code, 4)

    def test_a_plain_archive_passes(self) -> None:
        keras_file.inspect(self.write())

    def test_code_is_refused_wherever_it_hides(self) -> None:
        for node in (
            {"class_name": "Lambda", "config": {}},
            {"class_name": "__lambda__", "config": {}},
            {"class_name": "TFSMLayer", "module": "keras.layers", "config": {}},
            {"class_name": "function", "module": "os", "config": "system"},
            {"class_name": "Sequential", "module": "kerasevil", "config": {}},
        ):
            with self.subTest(node=node):
                self.refused("model_unsafe", config={**PLAIN, "config": {"layers": [{"deep": [node]}]}})

    def test_weights_that_point_elsewhere_are_refused(self) -> None:
        def external_link(file):
            file["layers/away"] = h5py.ExternalLink("/etc/passwd", "/")

        def soft_link(file):
            file["layers/soft"] = h5py.SoftLink("/layers/dense")

        def external_data(file):
            file.create_dataset("raw", (4,), "u1", external=[("/etc/passwd", 0, 4)])

        for change in (external_link, soft_link, external_data):
            with self.subTest(change=change.__name__):
                self.refused("model_unsafe", content=weights(change))

    def test_other_files_are_refused(self) -> None:
        self.refused("model_malformed", extra=(("assets/run.py", "x"),))
        self.refused("model_malformed", content=b"not HDF5")
        self.path.write_bytes(b"not a zip")
        with self.assertRaises(ModelError):
            keras_file.inspect(self.path)

    def test_a_zip_bomb_is_refused(self) -> None:
        self.refused("model_too_large", content=bytes(8 * 1024 * 1024))

    def test_equal_models_give_equal_bytes(self) -> None:
        def layers(*numbers: int) -> dict:
            return {
                "layers": [{"class_name": "DTypePolicy", "shared_object_id": number} for number in numbers]
            }

        first, second = self.path.with_name("first"), self.path.with_name("second")
        keras_file.normalise(self.write(config=layers(1398, 77, 1398)), first)
        keras_file.normalise(
            self.write(config=layers(5, 6, 5), date="2026-01-01@00:00:00", when=(2026, 1, 1, 0, 0, 0)), second
        )
        self.assertEqual(first.read_bytes(), second.read_bytes())
        self.assertIn(b'"shared_object_id": 2', first.read_bytes())


if __name__ == "__main__":
    unittest.main()
