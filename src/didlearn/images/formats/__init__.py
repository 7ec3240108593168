"""One file a format that images are read from."""
