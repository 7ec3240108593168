import numpy as np
from sklearn.datasets import load_digits

from didlearn.images import open_images


def test_digits_span_the_8_bit_range_and_keep_their_order():
    images = open_images("digits")
    source = load_digits()
    raw = images.read_raw(range(len(images)))
    assert images.name == "digits"
    assert images.shape == (1, 8, 8)
    assert np.array_equal(np.rint(raw[:, 0] / 255 * 16), source.images)
    assert (raw.min(), raw.max(), raw.dtype) == (0, 255, np.uint8)
    assert np.array_equal(images.labels, source.target)
    assert images.label_name(5) == str(source.target[5])
