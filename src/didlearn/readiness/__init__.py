"""What is looked at before any work: paths that are typed, places that are written to, devices."""
