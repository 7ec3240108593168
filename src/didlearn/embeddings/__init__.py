"""Embeddings: images go in, vectors come out in which distance means something."""

from didlearn.embeddings.base import Embedding
from didlearn.embeddings.extract import embed
from didlearn.embeddings.open import open_embedding

__all__ = ["Embedding", "embed", "open_embedding"]
