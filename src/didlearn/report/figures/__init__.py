"""Figures of numbers, drawn for a page and for a paper."""
