"""What a model knows of itself: the latent that makes an image, and how dense its images are there."""
