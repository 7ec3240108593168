"""Models side by side: the page, in which order they stand, and which way a number is better."""
