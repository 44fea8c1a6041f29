"""Writes model.keras: the untrained network that this example trains.

Run it inside the trainer's image, so that model and trainer agree about Keras:

    docker run --rm --network none -v "$PWD":/example --user "$(id -u):$(id -g)" \
        --entrypoint python3 aibom/trainer-keras:dev /example/make_model.py /example/model.keras

The same image gives the same bytes every time.
"""

import sys
import tempfile
from pathlib import Path

import keras
from aibom_trainer.keras_file import normalise

SEED = 20260101


def main() -> None:
    """Builds, compiles and writes the model."""
    keras.utils.set_random_seed(SEED)
    model = keras.Sequential(
        [
            keras.Input(shape=(12,), name="measurements"),
            keras.layers.Dense(32, activation="relu", name="hidden_1"),
            keras.layers.Dense(16, activation="relu", name="hidden_2"),
            keras.layers.Dense(1, name="flavanoids"),
        ],
        name="wine_flavanoids",
    )
    model.compile(optimizer="adam", loss="mean_squared_error", metrics=["mean_absolute_error"])
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "model.keras"
        model.save(raw)
        normalise(raw, Path(sys.argv[1]))


main()
