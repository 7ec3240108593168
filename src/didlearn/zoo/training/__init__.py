"""The loop that trains every model: data, networks, recipes, checkpoints, and what is watched on the way."""
