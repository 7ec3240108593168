"""Statistics files: written as the peers read them, read as they write them, and never of another embedding unseen."""

import numpy as np
import pytest

from didlearn.embeddings.moments import FeatureMoments, read_moments, write_moments
from didlearn.errors import DataError, UsageError


def rows(count=50, width=5, seed=0):
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def peer_reads(path):
    """What pytorch-fid does with a file (its fid_score.py): two keys, every element."""
    with np.load(path) as file:
        return file["mu"][:], file["sigma"][:]


def test_written_as_pytorch_fid_reads_them(tmp_path):
    path = write_moments(tmp_path / "new" / "x.npz", FeatureMoments.of(rows(), "net (weights 01)", "data"))
    mean, sigma = peer_reads(path)
    np.testing.assert_allclose(mean, rows().mean(0, dtype=np.float64), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(sigma, np.cov(rows().astype(np.float64), rowvar=False), rtol=1e-12, atol=1e-15)
    again = read_moments(path)
    assert (again.mean == mean).all()
    assert (again.covariance == sigma).all()
    assert (again.images, again.embedding) == (50, "net (weights 01)")


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_what_pytorch_fid_writes_is_read(tmp_path, kind):
    mean, sigma = rows().mean(0).astype(kind), np.cov(rows(), rowvar=False).astype(kind)
    np.savez(tmp_path / "x.npz", mu=mean, sigma=sigma)
    found = read_moments(tmp_path / "x.npz")
    assert (found.mean == mean).all()
    assert (found.covariance == sigma).all()
    assert (found.images, found.embedding, found.spatial) == (None, "", None)


def test_of_adm_s_file_the_pictures_are_not_read_and_the_spatial_moments_are(tmp_path):
    sigma = np.cov(rows(), rowvar=False)
    pickled = np.array([{"a": 1}], dtype=object)  # what is not asked for is not unpickled either
    np.savez(tmp_path / "x.npz", arr_0=pickled, mu=rows().mean(0), sigma=sigma, mu_s=np.ones(2), sigma_s=np.eye(2))
    found = read_moments(tmp_path / "x.npz")
    assert (found.covariance == sigma).all()
    assert found.spatial is not None
    assert (found.spatial.mean == 1).all()
    assert (found.spatial.covariance == np.eye(2)).all()


GOOD = {"mu": np.zeros(3), "sigma": np.eye(3)}


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": np.zeros(3)}, "no mu and sigma"),
        ({"mu_s": np.zeros(3), "sigma_s": np.eye(3)}, "no mu and sigma"),
        (GOOD | {"sigma": np.eye(4)}, r"mu \(3,\) and sigma \(4, 4\)"),
        (GOOD | {"mu_s": np.zeros(2), "sigma_s": np.eye(3)}, r"mu_s \(2,\) and sigma_s \(3, 3\)"),
        (GOOD | {"mu": np.zeros((3, 1))}, r"\(D,\)"),
        (GOOD | {"sigma": np.triu(np.ones((3, 3)))}, "not symmetric"),
        (GOOD | {"mu": np.array([0, np.nan, 0])}, "no finite number"),
        (GOOD | {"mu": np.array(["a", "b", "c"])}, "no finite number"),
    ],
)
def test_what_is_none_is_refused(tmp_path, arrays, words):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(DataError, match=words):
        read_moments(tmp_path / "x.npz")


def test_a_file_runs_no_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    np.savez(tmp_path / "x.npz", mu=np.array([Evil()], dtype=object), sigma=np.eye(1))
    (tmp_path / "y.npz").write_bytes(b"\x80\x04nothing")
    for name in ("x.npz", "y.npz"):
        with pytest.raises(DataError, match=r"give a \.npz file that holds mu and sigma"):
            read_moments(tmp_path / name)
    assert not (tmp_path / "ran").exists()
    with pytest.raises(UsageError, match="there is no file"):
        read_moments(tmp_path / "absent.npz")


def test_another_embedding_is_refused():
    moments = FeatureMoments.of(rows(), "net (weights 01)", "x.npz")
    moments.check_embedding("net (weights 01)", 5)
    with pytest.raises(UsageError, match=r"5 features, and the embedding net .* has 6"):
        moments.check_embedding("net (weights 01)", 6)
    with pytest.raises(UsageError, match=r"weights 01.*weights 02"):
        moments.check_embedding("net (weights 02)", 5)
    FeatureMoments(moments.mean, moments.covariance).check_embedding("any", 5)  # a peer's file does not say
