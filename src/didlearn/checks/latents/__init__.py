"""Latents of images by a generator's own inverse, and how typical of the prior they are."""
