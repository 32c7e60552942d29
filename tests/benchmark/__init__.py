"""Figures, measured by hand: `python -m benchmark.streams` in the folder of the tests."""
