"""The page where people judge pairs, what they said, and the support estimated from it."""
