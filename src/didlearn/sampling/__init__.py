"""Samples drawn to disk, in parts that any machine can draw by itself."""
