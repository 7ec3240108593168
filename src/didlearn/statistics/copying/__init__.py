"""Tests of copying, from distances to the nearest training image."""
