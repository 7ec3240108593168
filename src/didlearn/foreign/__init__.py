"""What others made: how much of it is touched."""
