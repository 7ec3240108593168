"""Tests of copying, from distances to the nearest training image, for the memorization check."""
