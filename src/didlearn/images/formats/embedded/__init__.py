"""Data that need no file."""
