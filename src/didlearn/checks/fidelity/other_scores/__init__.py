"""Scores that are reported because others report them, and that decide nothing."""
