"""How networks are trained here: the classifier whose features are looked at, and what descends."""
