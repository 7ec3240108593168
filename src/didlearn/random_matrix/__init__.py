"""Large random matrices: what the spectrum of a Gram matrix tends to, and surrogates with the same moments."""
