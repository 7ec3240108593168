"""What other programs save of their networks: weights for a class of the user's, and whole families' own formats."""
