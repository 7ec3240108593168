"""What spectra of Gram matrices tend to: densities, edges, spikes and alignments."""
