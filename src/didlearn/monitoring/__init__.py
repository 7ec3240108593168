"""Audits while a model trains: light ones, as numbers that a logger takes."""
