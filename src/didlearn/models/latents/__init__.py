"""Latents in coordinates that a search can use: maps of normal ones, behind a mapping network, with noise fixed."""
