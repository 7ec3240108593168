"""Log-likelihoods of groups of images, as the likelihood and the typicality check both need them."""
