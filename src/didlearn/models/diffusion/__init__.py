"""Networks that carry noise to images in small steps, as maps of one latent to one image that can be run backwards."""
