"""One file a way to load a model."""
