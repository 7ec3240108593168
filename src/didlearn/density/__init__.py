"""How likely groups of images are: under a generator with observation noise, and under simple densities."""
