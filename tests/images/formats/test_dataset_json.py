"""StyleGAN's labels, wherever above the pictures they lie, in a folder as in a zip."""

import json

import pytest

from didlearn.images import open_images


@pytest.mark.parametrize("packed", ["folder", "zipped"])
@pytest.mark.parametrize("top", ["", "mydata/", "sets/mydata/"])
@pytest.mark.parametrize("shards", [1, 3])
def test_stylegan_labels_below_a_top_folder(pictures, encoded, packed, top, shards, request):
    names = [f"{i % shards:05}/img{i:08}.png" for i in range(3)]
    table = json.dumps({"labels": list(zip(names, [4, 0, 2], strict=True))}).encode()
    files = {f"{top}{name}": encoded(p) for name, p in zip(names, pictures(3), strict=True)}
    images = open_images(request.getfixturevalue(packed)({**files, f"{top}dataset.json": table}))
    assert images.labels.tolist() == [4, 0, 2]
    assert images.notes == ()
