"""When are two images the same picture? The calibrated criterion, and what it counts in a sample."""
