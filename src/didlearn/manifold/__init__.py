"""What inverting the generator says about images: groups, controls, pictures and the verdict."""
