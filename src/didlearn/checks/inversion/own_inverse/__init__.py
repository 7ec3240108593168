"""Inversion of a generator that makes every image: not how near it comes, but whether the latents are typical."""
