"""Whether two moments describe features, and whether a generator is Lipschitz: groups, numbers, pictures, verdicts."""
