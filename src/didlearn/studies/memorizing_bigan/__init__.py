"""A BiGAN at the optimum of its objective that learned nothing (Arora et al. 2018, Theorem 3)."""
