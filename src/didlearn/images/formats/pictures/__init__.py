"""Picture files: which there are, and what their values mean."""
