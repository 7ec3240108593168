import torch

from didlearn.models import open_model
from didlearn.models.architectures import Diffusion
from didlearn.models.known.density import has_density
from didlearn.models.known.inverse import fills_space, latents_of
from tests.zoo.tiny import Bench


def test_a_step_asks_for_the_noise_that_was_added():
    bench = Bench("diffusion")
    asked = []
    bench.training.model.denoiser.register_forward_hook(lambda _, given, out: asked.append((*given, out)))
    losses = bench.training.step(bench.source(3))
    x, t, out = asked[0]
    source = bench.source(3)
    clean, _, noise = source.real().images, source.uniform(len(x)), source.normal(*x.shape)
    alpha = bench.training.alphas[t.long()].view(-1, 1, 1, 1)
    torch.testing.assert_close(x, alpha.sqrt() * clean + (1 - alpha).sqrt() * noise)
    torch.testing.assert_close(losses["error"], (out - noise).square().mean())
    assert len(set(t.tolist())) > 1


def test_what_is_saved_is_the_running_mean():
    bench = Bench("diffusion")
    for step in range(3):
        bench.training.step(bench.source(step))
    mean, last = bench.training.product(), bench.training.model
    assert isinstance(mean, Diffusion)
    assert any(not torch.equal(a, b) for a, b in zip(mean.parameters(), last.parameters(), strict=True))


def test_it_has_an_inverse_and_a_density():
    bench = Bench("diffusion", sampling_steps=20)  # an inverse of few great steps is found less exactly
    model = open_model(bench.training.product())
    assert has_density(model)
    assert fills_space(model)
    z = torch.randn(3, *model.latent_shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        x = model.decode(z)
        torch.testing.assert_close(model.decode(latents_of(model, x)), x, atol=1e-4, rtol=1e-4)
