"""Subjects whose features are what a test says: each image spells the number of its row.

It spells it scrambled, so that images of any rows are as bright and as detailed as those of any others.
"""

from dataclasses import replace

import numpy as np
import torch

from didlearn.audit.subject import Subject
from didlearn.embeddings import Embedding
from didlearn.images import open_images
from didlearn.models.formats.bank import Bank

BYTES = 4
SCRAMBLE = 2_654_435_761  # odd, so invertible: Knuth's multiplier for 32 bits
UNSCRAMBLE = pow(SCRAMBLE, -1, 256**BYTES)


class Lookup(Embedding):
    """Features by the number that the first pixels of an image spell."""

    name = "lookup"

    def __init__(self, table):
        self.table = torch.from_numpy(np.asarray(table, np.float32))

    def __call__(self, images):
        digits = (images[:, 0, 0] * 255).round().long()
        return self.table[unscrambled(digits)]


def unscrambled(digits):
    """Numbers of the rows that images spell, (n, 4) bytes."""
    return (digits * 256 ** torch.arange(BYTES)).sum(1) * UNSCRAMBLE % 256**BYTES


def numbered(start, count, labels):
    numbers = np.arange(start, start + count) * SCRAMBLE % 256**BYTES
    pixels = np.stack([numbers // 256**place % 256 for place in range(BYTES)], axis=1).astype(np.uint8)
    images = open_images(np.repeat(pixels[:, None, None, :], BYTES, axis=2))
    return images if labels is None else replace(images, labels=np.asarray(labels, np.int64))


def subject_of(generated, heldout=None, labels=None, heldout_labels=None, **options):
    """Return a subject whose generated and held-out images have the features given, (n, p) each."""
    table = generated if heldout is None else np.concatenate([generated, heldout])
    real = None if heldout is None else numbered(len(generated), len(heldout), heldout_labels)
    bank = Bank(numbered(0, len(generated), labels))
    return Subject(bank, heldout=real, embedding=Lookup(table), **options)
