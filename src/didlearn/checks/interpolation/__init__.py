"""How do its images change on a walk between two latents? A described check."""
