"""The Keras side, with the real framework: refusals, defaults, divergence, reproducible bytes."""

import tempfile
import unittest
from pathlib import Path

from aibom_trainer import fit, model
from aibom_trainer.contract import ModelError, Parameters, TrainingError

ASKED = Parameters(
    epochs=2,
    batch_size=4,
    validation_split=0.0,
    initial_epoch=0,
    steps_per_epoch=None,
    validation_steps=None,
    validation_freq=1,
    seed=1,
)


def setUpModule() -> None:
    model.import_frameworks(ASKED.seed)


def network(units: int, activation: str | None, **compile_options):
    import keras

    built = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(4), keras.layers.Dense(units, activation=activation)]
    )
    if compile_options:
        built.compile(**compile_options)
    return built


class Saved(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "model.keras"

    def load(self, built, task="classification", features=2, output_shape=None):
        built.save(self.path)
        return model.load_model(self.path, task, features, output_shape)

    def refused(self, reason: str, *args, **options) -> None:
        with self.assertRaises(ModelError) as caught:
            self.load(*args, **options)
        self.assertEqual(caught.exception.reason, reason)


class LoadTest(Saved):
    def test_a_compiled_model_keeps_its_compilation(self) -> None:
        import keras

        optimizer = keras.optimizers.SGD(0.25, momentum=0.5)
        found = model.compile_config(
            self.load(network(3, "softmax", optimizer=optimizer, loss="sparse_categorical_crossentropy"))
        )
        self.assertEqual(
            (found["compiled_by"], found["optimizer"], found["learning_rate"]), ("model", "sgd", 0.25)
        )
        self.assertEqual(found["optimizer_config"]["momentum"], 0.5)

    def test_defaults_for_a_model_that_is_not_compiled(self) -> None:
        for units, activation, task, loss, encoding in (
            (3, "softmax", "classification", "sparse_categorical_crossentropy", "index"),
            (1, "sigmoid", "classification", "binary_crossentropy", "binary"),
            (1, None, "regression", "mean_squared_error", "value"),
        ):
            with self.subTest(loss=loss):
                prepared = self.load(network(units, activation), task)
                self.assertEqual((prepared.compiled_by, prepared.loss), ("trainer", loss))
                self.assertEqual(model.target_encoding(prepared, task, 2), encoding)
        logits = model.compile_config(self.load(network(3, None)))["loss_config"]
        self.assertTrue(logits["config"]["from_logits"])

    def test_what_does_not_fit_is_refused(self) -> None:
        self.refused("model_shape", network(3, "softmax"), features=5)
        self.refused("model_shape", network(3, "softmax"), output_shape=(4,))
        crossentropy = {"optimizer": "adam", "loss": "binary_crossentropy"}
        self.refused("loss_does_not_fit", network(1, "sigmoid", **crossentropy), task="regression")
        with self.assertRaises(ModelError):
            model.target_encoding(self.load(network(3, "softmax")), "classification", 4)

    def test_a_lambda_layer_is_refused(self) -> None:
        import keras

        built = keras.Sequential(
            [keras.Input((2,)), keras.layers.Lambda(lambda x: x * 2), keras.layers.Dense(1)]
        )
        self.refused("model_unsafe", built)

    def test_a_layer_that_keras_does_not_know_is_refused(self) -> None:
        import keras

        class Foreign(keras.layers.Dense):
            pass

        self.refused("model_unsafe", keras.Sequential([keras.Input((2,)), Foreign(1)]))


class FitTest(Saved):
    def data(self):
        import numpy

        features = numpy.arange(20, dtype="float32").reshape(10, 2) / 10
        return features, (features.sum(axis=1, keepdims=True))

    def train(self, built, asked=ASKED):
        epochs = []
        steps = fit.effective_steps(asked, 10, 0)
        fit.train(
            built, self.data(), None, asked, steps, lambda epoch, metrics: epochs.append((epoch, metrics))
        )
        return epochs

    def test_epochs_are_reported_from_the_first_one_asked_for(self) -> None:
        asked = Parameters(**{**vars(ASKED), "epochs": 5, "initial_epoch": 3, "steps_per_epoch": 7})
        epochs = self.train(network(1, None, optimizer="sgd", loss="mse"), asked)
        self.assertEqual([epoch for epoch, _ in epochs], [4, 5])

    def test_more_steps_than_batches_train_on(self) -> None:
        import keras

        asked = Parameters(**{**vars(ASKED), "steps_per_epoch": 50})
        built = network(1, None, optimizer=keras.optimizers.SGD(0.01), loss="mse")
        self.train(built, asked)
        self.assertEqual(int(built.optimizer.iterations), 100)

    def test_divergence_is_a_failure(self) -> None:
        import keras

        built = network(1, None, optimizer=keras.optimizers.SGD(1e30), loss="mse")
        with self.assertRaises(TrainingError) as caught:
            self.train(built, Parameters(**{**vars(ASKED), "epochs": 50}))
        self.assertEqual(caught.exception.reason, "diverged")
        self.assertEqual(caught.exception.exit_code, 5)

    def test_equal_training_gives_equal_bytes(self) -> None:
        import keras

        files = []
        for _ in range(2):
            keras.utils.clear_session()
            keras.utils.set_random_seed(5)
            built = network(1, None, optimizer="adam", loss="mse")
            self.train(built)
            fit.save(built, self.path)
            files.append(self.path.read_bytes())
        self.assertEqual(files[0], files[1])
        self.assertEqual([entry.name for entry in self.path.parent.iterdir()], ["model.keras"])


class StepsTest(unittest.TestCase):
    def test_what_was_left_open_is_resolved(self) -> None:
        asked = Parameters(**{**vars(ASKED), "batch_size": None, "validation_steps": 100})
        steps = fit.effective_steps(asked, train_rows=143, validation_rows=35)
        self.assertEqual((steps.batch_size, steps.steps_per_epoch, steps.validation_steps), (32, 5, 2))
        self.assertIsNone(fit.effective_steps(asked, 143, 0).validation_steps)


if __name__ == "__main__":
    unittest.main()
