"""The nearest image that a latent model can make, and its latent."""
