"""Inversion: the nearest point where it is known, what is said of it, and what cannot be inverted."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import chi2, kstest

from didlearn.embeddings.base import Embedding
from didlearn.errors import ModelError, NotFiniteError, UsageError
from didlearn.inversion.invert import Inversion, invert
from didlearn.inversion.race import EXACT
from didlearn.rng import Stream
from tests.inversion.decoders import decoder, linear, relu, sphere

QUICK = {"draws": 50, "starts": 4, "rounds": 1}  # where it does not matter how near the search comes


def relative(found, x):
    return found.error / x.reshape(len(x), -1).var(axis=1)


def planted(model, count, seed=9):
    with torch.no_grad():
        return model.decode(model.sample_prior(count, Stream(seed))).numpy()


def projection_error(model, x):
    W, b = model.W.double(), model.b.double()
    r = torch.as_tensor(x).double().flatten(1) - b
    z = torch.linalg.lstsq(W, r.T).solution.T
    return ((r - z @ W.T) ** 2).mean(dim=1).numpy(), z.numpy()


@pytest.mark.parametrize("spread", [1.0, 300.0])
@pytest.mark.parametrize("method", ["bfgs", "lm"])
def test_a_linear_decoder_gives_the_orthogonal_projection(method, spread):
    model = linear(d=8, spread=spread)
    x = np.random.default_rng(0).normal(size=(20, 1, 8, 8)).astype(np.float32)
    found = invert(model, x, method=method, starts=2)
    error, z = projection_error(model, x)
    assert np.allclose(found.error, error, rtol=1e-4)
    assert found.success.all()
    if spread == 1:
        assert np.allclose(found.latent, z, atol=1e-3)


def test_a_latent_wider_than_the_dense_matrices_is_inverted_too():
    model = linear(d=600, shape=(1, 30, 30))
    x = np.random.default_rng(0).normal(size=(3, 1, 30, 30)).astype(np.float32)
    found = invert(model, x, starts=2, rounds=1, draws=20)
    assert np.allclose(found.error, projection_error(model, x)[0], rtol=1e-4)


def test_a_curved_manifold_gives_the_known_distance():
    model = sphere()
    x = np.random.default_rng(1).normal(size=(16, 1, 4, 4)).astype(np.float32)
    flat = x.reshape(16, -1).astype(np.float64)
    inside = np.linalg.norm(flat[:, :5], axis=1)
    expected = ((inside - 1) ** 2 + (flat[:, 5:] ** 2).sum(axis=1)) / 16
    assert np.allclose(invert(model, x).error, expected, rtol=1e-4)


@pytest.mark.parametrize(("d", "hidden"), [(8, [40, 150]), (20, [100])])
def test_planted_preimages_of_expansive_decoders_are_recovered(d, hidden):
    model = relu(d, hidden, pixels=460)
    x = planted(model, 40)
    assert (relative(invert(model, x), x) < 1e-4).all()


@pytest.mark.parametrize(
    ("hidden", "before", "passes"),
    [
        pytest.param([100], 0.83, 6_120, marks=pytest.mark.slow),
        pytest.param([100, 200], 0.46, 6_120, marks=pytest.mark.slow),
    ],
)
def test_it_beats_random_starts_where_layers_do_not_expand(hidden, before, passes):
    """papers.md 2.2: four Levenberg–Marquardt starts of 30 steps are 4 · 30 · 51 passes at latent 50."""
    model = relu(50, hidden)
    x = planted(model, 96)
    found = invert(model, x)
    in_time = np.where(found.trace_evaluations <= passes, found.trace_objective, np.inf).min(axis=1)
    assert (in_time / x.reshape(len(x), -1).var(axis=1) < 1e-4).mean() > before
    assert (relative(found, x) < 1e-4).mean() > before + 0.1


def test_small_latents_without_expansion_beat_the_table_too():
    model = relu(10, [20])
    x = planted(model, 32)
    assert (relative(invert(model, x), x) < 1e-4).mean() > 0.92


def test_restarts_find_what_one_start_misses():
    model = relu(20, [40])
    x = planted(model, 20)
    alone, searched = (relative(invert(model, x, starts=s, rounds=r), x) for s, r in ((1, 0), (16, 6)))
    assert (searched < 1e-4).mean() > (alone < 1e-4).mean() + 0.2
    assert (searched <= alone + 1e-12).mean() > 0.9


def test_the_trace_falls_and_ends_at_the_result():
    model = relu(20, [40])
    found = invert(model, planted(model, 16), rounds=3)
    assert (np.diff(found.trace_objective, axis=1) <= 1e-6 * found.trace_objective[:, :-1]).all()
    assert (found.trace_objective[:, 0] > 100 * found.trace_objective[:, -1]).all()
    assert np.allclose(found.trace_objective[:, -1], found.objective)


def test_the_published_protocol_stops_short_and_says_so():
    model = relu(20, [40])
    x = planted(model, 16)
    theirs, ours = (invert(model, x, method=m) for m in ("adam", "bfgs"))
    assert np.median(ours.error) < np.median(theirs.error) / 100
    assert theirs.success.mean() < 0.5 < ours.success.mean()
    assert "the steps ended while the error was still falling" in theirs.reason
    assert (theirs.evaluations >= 500 + 600).all()


def test_the_penalty_gives_the_most_probable_latent():
    model, s2 = linear(d=5), 0.3
    x = planted(model, 6) + np.random.default_rng(0).normal(size=(6, 1, 8, 8)).astype(np.float32) * 0.2
    W, b = model.W, model.b
    r = torch.as_tensor(x).double().flatten(1) - b
    expected = torch.linalg.solve(W.T @ W + s2 * torch.eye(5, dtype=torch.float64), W.T @ r.T).T
    assert np.allclose(invert(model, x, penalty=s2).latent, expected, atol=1e-3)


def test_clipping_keeps_the_latent_in_the_ball_and_finds_its_nearest_point():
    model = linear(d=4)
    far = model.decode(torch.full((3, 4), 5.0)).numpy()
    radius = math.sqrt(chi2.ppf(0.9, 4))
    found = invert(model, far, clip=0.9)
    assert np.allclose(found.norm, radius, rtol=1e-4)
    # W has orthonormal columns: the nearest point of the ball lies on the ray towards the true latent.
    assert np.allclose(found.latent, radius / 2, atol=2e-3)


def test_a_uniform_prior_keeps_the_latent_in_its_box():
    def corner(z):
        return torch.cat([z, z * 0, z * 0, z * 0], dim=1).view(-1, 1, 2, 4)

    model = decoder(corner, 2, prior="uniform")
    x = np.zeros((1, 1, 2, 4), np.float32)
    x[0, 0, 0, :2] = 3.0, 0.25
    found = invert(model, x)
    assert np.allclose(found.latent, [[1.0, 0.25]], atol=1e-4)
    assert np.isnan(found.shell_pvalue).all()
    assert np.isfinite(found.log_prior).all()


def conditional(z, labels):
    return (torch.tanh(z)[:, :, None, None] + 10.0 * labels[:, None, None, None]).expand(-1, -1, 2, 2)


class Conditional(torch.nn.Module):
    def forward(self, z, labels):
        return conditional(z, labels.float())


def test_every_class_is_tried_and_the_nearest_kept():
    from didlearn.models import open_model

    model = open_model(Conditional(), latent_shape=(1,), value_range=None, classes=3)
    x = conditional(torch.tensor([[0.3], [-0.2], [0.1]]), torch.tensor([2.0, 0.0, 1.0])).numpy().copy()
    x[0, 0, 0, 0] += 1.0
    found = invert(model, x, draws=20)
    assert found.label.tolist() == [2, 0, 1]
    assert found.class_error.shape == (3, 3)
    assert np.allclose(found.class_error.min(axis=1), found.error)
    given = invert(model, x, draws=20, labels=np.array([2, 0, 1]))
    assert given.class_error is None
    assert np.allclose(given.error, found.error, atol=1e-6)


class Doubled(Embedding):
    name = "first half, doubled"

    def __call__(self, images):
        return 2 * images.flatten(1)[:, :32]


def test_a_feature_loss_compares_features_and_still_reports_pixels():
    model = linear(d=5)
    x = np.random.default_rng(3).normal(size=(4, 1, 8, 8)).astype(np.float32)
    found = invert(model, x, loss=Doubled())
    W, r = model.W[:32], torch.as_tensor(x).double().flatten(1)[:, :32] - model.b[:32]
    z = torch.linalg.lstsq(W, r.T).solution.T
    assert np.allclose(found.latent, z, atol=1e-3)
    assert np.allclose(found.objective, (4 * (r - z @ W.T) ** 2).mean(dim=1), rtol=1e-3)
    assert np.allclose(found.error, ((found.image - x) ** 2).reshape(4, -1).mean(axis=1), rtol=1e-5)


def test_what_is_reported_belongs_together():
    model = linear(d=6, spread=30.0)  # log det WᵀW = −20.4: orthonormal loadings, with 0, would hide a wrong factor
    x = np.random.default_rng(4).normal(size=(5, 1, 8, 8)).astype(np.float32)
    found = invert(model, x)
    z = torch.from_numpy(found.latent)
    assert np.allclose(found.image, model.decode(z), atol=1e-6)
    assert np.allclose(found.pixel_error, (found.image - x) ** 2, atol=1e-6)
    assert np.allclose(found.log_prior, model.log_prior(z), atol=1e-4)
    assert np.allclose(found.norm, z.norm(dim=1), rtol=1e-5)
    half_log_det = 0.5 * torch.linalg.slogdet(model.W.T @ model.W)[1]
    assert np.allclose(found.log_volume, half_log_det, atol=1e-4)
    assert (found.gradient_norm < 1e-4).all()
    assert (np.diff(found.trace_evaluations, axis=1) >= 0).all()
    # Float32 errors waver in their last digits.
    assert (np.diff(found.trace_objective, axis=1) <= 1e-6 * found.trace_objective[:, :-1]).all()
    assert np.array_equal(found.evaluations, found.trace_evaluations[:, -1])


@pytest.mark.usefixtures("short_race")
def test_shell_pvalues_of_prior_latents_are_uniform():
    model = linear(d=7)
    found = invert(model, planted(model, 200), draws=50, starts=1, rounds=0)
    assert kstest(found.shell_pvalue, "uniform").pvalue > 0.01


def test_passes_are_counted_as_the_decoder_sees_them():
    calls = []

    def counted(z):
        calls.append(len(z))
        return z.tile(1, 4).view(-1, 1, 2, 4)

    model = decoder(counted, 2)
    x = np.random.default_rng(0).normal(size=(1, 1, 2, 4)).astype(np.float32)
    calls.clear()
    found = invert(model, x, draws=32, starts=4, rounds=1, polish=0, threads=1)
    # Each gradient is a forward and a backward pass of every row; the last look is 1 + 1 + d, and its image one more.
    # Three rows tell beforehand how much memory one takes.
    forward = sum(calls) - 3 - 32 - 2
    assert found.evaluations[0] == 32 + 2 * forward + 2 + 2


@pytest.mark.usefixtures("short_race")
def test_the_result_depends_on_the_seed_alone():
    model = relu(5, [12])
    x = planted(model, 20) + 0.1
    first, again = (invert(model, x, threads=t, **QUICK) for t in (1, 2))
    for name in vars(first):
        a, b = getattr(first, name), getattr(again, name)
        assert a is b or np.array_equal(a, b, equal_nan=a.dtype.kind == "f"), name
    other = invert(model, x, seed=1, **QUICK)
    assert not np.array_equal(first.latent, other.latent)


@pytest.mark.usefixtures("short_race")
def test_a_stopped_run_goes_on_and_ends_the_same(tmp_path):
    model = relu(5, [12])
    x = planted(model, 20) + 0.1
    whole = invert(model, x, **QUICK)

    class Stopped(Exception):  # noqa: N818 (it stands for a kill)
        pass

    def stop(what, done, total):
        if done >= 8:
            raise Stopped

    with pytest.raises(Stopped):
        invert(model, x, records=tmp_path, advance=stop, threads=1, **QUICK)
    kept = sorted(tmp_path.iterdir())
    assert 0 < len(kept) < 3
    kept[0].write_bytes(kept[0].read_bytes()[:100])  # a unit that was cut off is made again
    resumed = invert(model, x, records=tmp_path, **QUICK)
    for name in vars(whole):
        a, b = getattr(whole, name), getattr(resumed, name)
        assert (a is None and b is None) or np.array_equal(a, b, equal_nan=a.dtype.kind == "f"), name
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize("change", [{"seed": 3}, {"rounds": 2}, {"penalty": 0.1}])
def test_records_of_other_settings_are_not_taken(tmp_path, change):
    model = relu(4, [12])
    x = planted(model, 3) + 0.2
    invert(model, x, records=tmp_path, **QUICK)
    changed = QUICK | change
    assert np.array_equal(invert(model, x, records=tmp_path, **changed).latent, invert(model, x, **changed).latent)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_decoder_that_ignores_its_latent_is_said_to():
    model = decoder(lambda z: torch.full((len(z), 1, 4, 4), 0.5), 3)
    found = invert(model, np.zeros((2, 1, 4, 4), np.float32), draws=16)
    assert not found.success.any()
    assert set(found.reason) == {"the decoder has no gradient here"}
    assert np.allclose(found.error, 0.25)
    assert (found.log_volume == -np.inf).all()


def test_dead_gradients_are_said_to_be_dead():
    model = decoder(
        lambda z: torch.relu(-z.abs()[:, :1] - 1).tile(1, 16).view(-1, 1, 4, 4) + z[:, :1, None, None] * 0, 2
    )
    found = invert(model, np.ones((2, 1, 4, 4), np.float32), draws=16)
    assert not found.success.any()


def test_nan_far_out_does_not_stop_the_search():
    def fragile(z):
        bad = z.norm(dim=1, keepdim=True) > 2.5
        return torch.where(bad, torch.nan, z).tile(1, 4).view(-1, 1, 2, 4)

    model = decoder(fragile, 2)
    x = np.tile(np.array([1.2, -0.8], np.float32), (3, 4)).reshape(3, 1, 2, 4)
    for method in ("bfgs", "lm", "adam"):
        found = invert(model, x, method=method, draws=100)
        assert np.allclose(found.latent, [1.2, -0.8], atol=0.02), method
    outside = np.tile(np.array([9.0, 0.0], np.float32), 4).reshape(1, 1, 2, 4)
    kept = invert(model, outside, draws=100)
    assert np.isfinite(kept.error).all()
    assert kept.norm[0] <= 2.5


def test_a_decoder_of_nan_is_an_error():
    model = decoder(lambda z: z.tile(1, 4).view(-1, 1, 2, 4), 2)
    model.network.module.function = lambda z: torch.full((len(z), 1, 2, 4), torch.nan)
    with pytest.raises(ModelError, match="NaN or infinite pixels of all 50 prior draws"):
        invert(model, np.zeros((1, 1, 2, 4), np.float32), draws=50)


def test_a_latent_of_one_dimension():
    model = decoder(lambda z: torch.cat([z, z**2, z * 0, z * 0], dim=1).view(-1, 1, 2, 2), 1)
    x = np.array([[0.5, 0.25, 0, 0], [0, 2.0, 0, 0]], np.float32).reshape(2, 1, 2, 2)
    found = invert(model, x)
    assert found.error[0] < 1e-10
    # Nearest to (0, 2) on the parabola: z² = 3/2, squared distance 7/4.
    assert found.error[1] == pytest.approx(7 / 16, rel=1e-5)


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (np.full((1, 1, 8, 8), 1.5, np.float32), {}, r"spans 1.5 to 1.5.*divided by 255"),
        (np.zeros((1, 8, 8), np.float32), {}, r"makes images \(n, 1, 8, 8\); x has the shape \(1, 8, 8\)"),
        (np.zeros((0, 1, 8, 8), np.float32), {}, "x has the shape"),
        (np.zeros((1, 1, 8, 8), np.float32), {"method": "newton"}, "no method 'newton'"),
        (np.zeros((1, 1, 8, 8), np.float32), {"starts": 0}, "starts is 0"),
        (np.zeros((1, 1, 8, 8), np.float32), {"penalty": -1.0}, "penalty is -1"),
        (np.zeros((1, 1, 8, 8), np.float32), {"clip": 2.0}, "between 0 and 1"),
        (np.zeros((1, 1, 8, 8), np.float32), {"labels": np.array([0])}, "has no classes"),
    ],
)
def test_what_cannot_be_inverted_is_refused(images, options, message):
    model = decoder(lambda z: z.tile(1, 16).view(-1, 1, 8, 8), 4, value_range=(-1, 1))
    with pytest.raises(UsageError, match=message):
        invert(model, images, **options)


def test_pixels_that_are_no_numbers_are_refused():
    with pytest.raises(NotFiniteError, match="NaN or infinite"):
        invert(linear(), np.full((1, 1, 8, 8), np.nan, np.float32))


def test_noise_of_the_decoders_own_is_fixed():
    model = decoder(lambda z: z.tile(1, 4).view(-1, 1, 2, 4) + torch.randn(len(z), 1, 2, 4), 2)
    found = invert(model, np.zeros((1, 1, 2, 4), np.float32), draws=20)
    # A plane shifted by the noise: what it leaves of it is the distance, and the residual is orthogonal to the plane.
    assert found.success.all()
    residual = found.image.reshape(4, 2)
    # float32 tells sums of squares apart to 2⁻²⁴ of them, and so parts of the residual within the plane to 2⁻¹².
    assert np.abs(residual.sum(axis=0) / 2).max() < 2**-12 * np.linalg.norm(residual)
    assert found.error[0] > 0.1


def test_eight_bit_and_float_images_mean_the_same():
    model = decoder(lambda z: torch.tanh(z.tile(1, 4)).view(-1, 1, 2, 4), 2, value_range=(-1, 1))
    x = np.random.default_rng(0).integers(0, 256, (3, 1, 2, 4), dtype=np.uint8)
    assert np.array_equal(invert(model, x).error, invert(model, x.astype(np.float32) / np.float32(255)).error)


def test_a_part_of_the_result_can_be_taken():
    model = linear(d=3)
    found = invert(model, np.random.default_rng(0).normal(size=(4, 1, 8, 8)).astype(np.float32))
    part = found.subset(np.array([2, 0]))
    assert isinstance(part, Inversion)
    assert np.array_equal(part.error, found.error[[2, 0]])
    assert part.label is None
    assert EXACT < 1e-4
