"""The generator that memorised and the encoder that learned nothing (Arora et al. 2018, Theorems 3 and 5)."""
