"""CIFAR's two versions: bytes in records, and pickles that are read without running them."""
