"""Classifiers of ImageNet as embeddings: what their last layer takes."""
