"""Bounds from products of 8-bit integers, where a machine multiplies them fast."""
