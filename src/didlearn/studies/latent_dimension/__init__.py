"""How the latent's size bounds what can be reconstructed (Pinetz, Soukup & Pock 2019)."""
