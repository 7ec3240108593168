"""The blocked product all searches rest on: rows, bounds from few coordinates, and exact re-checks."""
