"""The birthday paradox and all that duplicates in one sample say of its law, for the support check."""
