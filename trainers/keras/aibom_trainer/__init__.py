"""Trains Keras models by the AIBoM Mesh trainer contract (see README.md)."""
