"""Questions to a latent model that need its gradient: inversion, and likelihood by annealed importance sampling."""
