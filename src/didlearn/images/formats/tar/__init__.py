"""Tar archives of pictures: their headers read one by one, their members in place."""
