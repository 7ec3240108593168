"""How near generated images as a set come to real ones: scores that need neighbours, their errors, and the verdict."""
