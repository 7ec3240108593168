"""How likely a latent model finds an image: annealed importance sampling, and bounds from both sides."""
