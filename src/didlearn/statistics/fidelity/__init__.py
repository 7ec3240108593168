"""Scores of two samples of features, for the fidelity check: Fréchet and kernel distance, Vendi score."""
