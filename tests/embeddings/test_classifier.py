import numpy as np
import pytest
import torch

from didlearn.embeddings import classifier, embed, open_embedding
from didlearn.embeddings.classifier import open_classifier
from didlearn.embeddings.training import classifier as training
from didlearn.errors import DataError, UsageError


def blobs(count, seed=0, spread=12.0):
    """Three classes, a bright square in one of three corners, under noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    patterns = np.full((3, 1, 8, 8), 60.0)
    patterns[0, :, :3, :3] = patterns[1, :, :3, 5:] = patterns[2, :, 5:, :3] = 180
    pixels = patterns[labels] + rng.normal(0, spread, (count, 1, 8, 8))
    return np.clip(pixels, 0, 255).astype(np.uint8), labels


@pytest.fixture(autouse=True)
def short(monkeypatch, request):
    """Blobs are learnt in a second; the real recipe is kept for real images."""
    if not request.node.name.startswith(("test_real", "test_cifar")):
        monkeypatch.setattr(training, "EPOCHS", (15, 15))


# Where accuracy is not looked at, seeing each image twice shows the same.
barely_trained = pytest.mark.usefixtures("quick_classifier")


@pytest.fixture
def train(images_of):
    return images_of(*blobs(240), name="blobs")


@pytest.fixture
def heldout(images_of):
    return images_of(*blobs(120, seed=1), name="more blobs")


def test_features_tell_classes_apart_better_than_pixels_do(images_of, heldout):
    pixels, labels = blobs(240, spread=60.0)
    noisy = images_of(*blobs(120, seed=1, spread=60.0))
    embedding = open_embedding("classifier", train=images_of(pixels, labels))

    def separation(features):
        means = np.stack([features[noisy.labels == label].mean(0) for label in range(3)])
        within = np.mean([(features[noisy.labels == label] - means[label]).var(0).sum() for label in range(3)])
        return means.var(0).sum() / within

    assert separation(embed(embedding, noisy)) > 2 * separation(embed(open_embedding("pixels"), noisy))


def test_accuracy_is_measured_on_the_held_out_images_with_an_exact_interval(train, heldout):
    embedding = open_classifier(train, heldout)
    accuracy = embedding.accuracy
    assert (accuracy.value, accuracy.n, accuracy.unit) == (1.0, 120, "fraction")
    # All right: Clopper–Pearson's low end solves low**n = alpha / 2.
    assert accuracy.low == pytest.approx(0.025 ** (1 / 120))
    assert accuracy.high == 1
    assert "240 images in 3 classes" in embedding.notes[0]
    assert "on 120 held-out images" in embedding.notes[0]
    assert len(embedding.notes) == 1


@barely_trained
def test_its_head_makes_its_logits_of_its_features(train, heldout):
    embedding = open_classifier(train, heldout)
    images = torch.from_numpy(heldout.read_raw(range(5))).float() / 255
    assert embedding.head.logits(embedding(images).numpy()) == pytest.approx(
        embedding.network(images).numpy(), abs=1e-4
    )


def test_wrong_labels_lower_the_accuracy_they_are_measured_with(train, images_of):
    pixels, labels = blobs(120, seed=1)
    labels[:30] = (labels[:30] + 1) % 3
    assert open_classifier(train, images_of(pixels, labels)).accuracy.value == pytest.approx(0.75)


def test_a_label_never_seen_in_training_counts_as_wrong(train, images_of):
    pixels, labels = blobs(120, seed=1)
    labels[:12] = 9
    assert open_classifier(train, images_of(pixels, labels)).accuracy.value == pytest.approx(0.9)


def test_labels_need_not_be_consecutive(images_of):
    pixels, labels = blobs(240)
    names = np.array([-4, 7, 100])
    fresh, fresh_labels = blobs(120, seed=1)
    embedding = open_classifier(images_of(pixels, names[labels]), images_of(fresh, names[fresh_labels]))
    assert embedding.accuracy.value == 1


@pytest.mark.parametrize("case", ["none", "unlabelled", "other classes", "other shape", "empty"])
def test_without_labels_of_the_same_meaning_a_tenth_is_kept_back(images_of, case, monkeypatch):
    seen = []
    real = training.train_classifier

    def train(data, *args, **options):
        seen.append(data)
        return real(data, *args, **options)

    monkeypatch.setattr(classifier, "train_classifier", train)
    monkeypatch.setattr(training, "EPOCHS", (1, 1))
    pixels, labels = blobs(200)
    fresh, fresh_labels = blobs(50, seed=1)
    heldout = {
        "none": None,
        "unlabelled": images_of(fresh),
        "other classes": images_of(fresh, fresh_labels, classes=("b", "c", "d")),
        "other shape": images_of(np.tile(fresh, (1, 1, 2, 2)), fresh_labels),
        "empty": images_of(fresh[:0], fresh_labels[:0]),
    }[case]
    embedding = open_classifier(images_of(pixels, labels, classes=("a", "b", "c")), heldout)
    assert embedding.accuracy.n == 20
    assert "training images kept back" in embedding.notes[0]
    trained_on = {image.tobytes() for image in seen[0].images}
    assert len(trained_on) == 180
    assert trained_on < {image.tobytes() for image in pixels}


def test_labels_that_mean_nothing_are_found_out(images_of):
    pixels, _ = blobs(240)
    labels = np.random.default_rng(5).integers(0, 3, 240)
    embedding = open_classifier(images_of(pixels, labels))
    assert "not shown to be better than naming the commonest class" in embedding.notes[1]


@barely_trained
def test_weights_depend_on_the_seed_and_not_on_threads(train, heldout):
    first = open_classifier(train, heldout, threads=1)
    assert first.name == open_classifier(train, heldout, threads=2).name
    assert first.name != open_classifier(train, heldout, seed=1).name
    for part in ("blobs", "weights"):
        assert part in first.name


@barely_trained
def test_the_held_out_images_do_not_change_the_weights(train, heldout):
    one = open_classifier(train, heldout)
    other = open_classifier(train, heldout.subset(np.arange(50)))
    assert one.name == other.name


@barely_trained
def test_the_cache_gives_the_same_network_without_training(train, heldout, tmp_path, monkeypatch):
    cache = tmp_path / "deep" / "cache"
    made = open_classifier(train, heldout, cache=cache)
    (file,) = cache.iterdir()
    assert file.suffix == ".safetensors"
    assert file.stat().st_mode & 0o777 == 0o644
    monkeypatch.setattr(classifier, "train_classifier", None)
    read = open_classifier(train, heldout, cache=cache)
    np.testing.assert_array_equal(embed(made, heldout), embed(read, heldout))
    assert (read.name, read.notes, read.accuracy) == (made.name, made.notes, made.accuracy)


def test_other_images_labels_seed_or_recipe_are_not_read_from_the_cache(
    train, heldout, tmp_path, monkeypatch, images_of
):
    monkeypatch.setattr(training, "EPOCHS", (1, 1))
    pixels, labels = blobs(240)
    open_classifier(train, heldout, cache=tmp_path)
    open_classifier(images_of(pixels, (labels + 1) % 3), heldout, cache=tmp_path)
    open_classifier(images_of(255 - pixels, labels), heldout, cache=tmp_path)
    open_classifier(train, heldout, cache=tmp_path, seed=1)
    open_classifier(train, None, cache=tmp_path)
    monkeypatch.setattr(classifier, "RECIPE", -1)
    open_classifier(train, heldout, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 6


@barely_trained
@pytest.mark.parametrize("damage", [b"", b"not safetensors at all", None], ids=["empty", "text", "half"])
def test_a_damaged_cache_is_made_again(train, heldout, tmp_path, damage):
    made = open_classifier(train, heldout, cache=tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert open_classifier(train, heldout, cache=tmp_path).name == made.name
    assert file.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [file]


@barely_trained
def test_float_images_train_the_same_network_as_their_bytes(heldout, images_of):
    pixels, labels = blobs(240)
    floats = images_of(pixels.astype(np.float32) / 255, labels)
    digest = [open_classifier(images, heldout).name for images in (images_of(pixels, labels), floats)]
    assert digest[0] == digest[1]


@barely_trained
def test_a_large_set_is_cut_down_by_the_seed(heldout, images_of, monkeypatch):
    monkeypatch.setattr(classifier, "MOST_IMAGES", 100)
    assert "trained on 100 images" in open_classifier(images_of(*blobs(240)), heldout).notes[0]
    assert open_classifier(images_of(*blobs(240))).accuracy.n == 10
    monkeypatch.setattr(classifier, "MOST_MEASURED", 40)
    assert open_classifier(images_of(*blobs(240)), heldout).accuracy.n == 40


def test_sets_that_cannot_train_a_classifier_are_refused(images_of):
    pixels, labels = blobs(240)
    cases = [
        (images_of(pixels, name="plain"), "plain has no labels.*embedding='pixels'"),
        (images_of(pixels, np.zeros(240)), "one label.*embedding='pixels'"),
        (images_of(pixels[:49], labels[:49]), "49 images in 3 classes.*at least 50.*embedding='pixels'"),
        (images_of(pixels[:60], np.arange(60)), "60 images in 60 classes.*two per class"),
        (images_of(pixels[:, :, :7], labels), "7×8.*at least 8×8"),
    ]
    for images, message in cases:
        with pytest.raises(DataError, match=message):
            open_classifier(images)
    with pytest.raises(UsageError, match="give train="):
        open_embedding("classifier")


@barely_trained
def test_features_do_not_depend_on_batch_size_or_threads(train, heldout):
    embedding = open_classifier(train, heldout)
    expected = embed(embedding, heldout, batch_size=64, threads=1)
    assert expected.shape == (120, 128)
    np.testing.assert_array_equal(expected, embed(embedding, heldout, batch_size=1000, threads=2))
    assert (expected >= 0).all()
    assert (expected > 0).any(axis=0).sum() > 20


def test_real_digits():
    from didlearn.images import open_images

    digits = open_images("digits")
    order = np.random.default_rng(0).permutation(len(digits))
    embedding = open_classifier(digits.subset(order[:700]), digits.subset(order[700:]))
    assert embedding.accuracy.low > 0.95


@pytest.mark.slow
def test_cifar10(shared, images_of):
    train, heldout = (
        np.load(shared / "data" / name) for name in ("cifar10_train_first20k.npz", "cifar10_train_rows_45000_49999.npz")
    )
    sets = [
        images_of(np.ascontiguousarray(x.transpose(0, 3, 1, 2)), y.ravel())
        for x, y in ((train["x_train"], train["y_train"]), (heldout["x"], heldout["y"]))
    ]
    torch.manual_seed(0)
    assert open_classifier(*sets).accuracy.low > 0.7
