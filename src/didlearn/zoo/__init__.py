"""The papers' own models, one file each, and the loop that trains them."""
