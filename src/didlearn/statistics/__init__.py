"""Estimators and tests: arrays in, numbers out; no model and no image."""
