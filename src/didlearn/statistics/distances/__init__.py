"""Distances and scores of two samples of features."""
