"""What each optimizer was handed in the second step, against the paper's loss written out by hand."""

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from tests.zoo.tiny import BATCH, Bench, recipe


def close(found, loss, parameters):
    wanted = torch.autograd.grad(loss, list(parameters), allow_unused=True)
    assert len(found) == len(wanted)
    scale = max(float(g.abs().max()) for g in found)
    assert scale > 0
    for one, other in zip(found, wanted, strict=True):
        other = torch.zeros_like(one) if other is None else other
        torch.testing.assert_close(
            one.to_dense() if one.is_sparse else one, other, rtol=1e-3, atol=1e-5 * max(1, scale)
        )


def says(scores, real):
    """The logistic loss as textbooks write it."""
    return binary_cross_entropy_with_logits(scores, torch.full_like(scores, float(real)))


@pytest.mark.usefixtures("quick_classifier")
@pytest.mark.parametrize(
    "name", ["dcgan", "mix-dcgan", "bigan", "stacked-gan", "wgan-gp", "r3gan", "vae", "autoencoder"]
)
def test_optimizers_share_the_trained_weights_and_no_other(name):
    bench = Bench(name)
    owners = [p for o in bench.training.optimizers.values() for g in o.param_groups for p in g["params"]]
    assert len({id(p) for p in owners}) == len(owners)
    frozen = {"guide", "average"}
    wanted = [p for n, net in bench.training.networks.items() if n not in frozen for p in net.parameters()]
    assert {id(p) for p in owners} == {id(p) for p in wanted}


def test_dcgan():
    bench = Bench("dcgan")
    source = bench.source(1)
    x, z = source.real().images, source.normal(BATCH, 4)
    critic, gen = bench.before["critic"], bench.before["generator"]
    close(bench.seen["critic"][1], says(critic(x), 1) + says(critic(gen(z)), 0), critic.parameters())
    nets, grads = bench.seen["generator"]
    z = source.normal(BATCH, 4)
    loss = says(nets["critic"](nets["generator"](z)), 1)
    assert bench.losses["generator"].item() == pytest.approx(loss.item(), rel=1e-5)
    close(grads, loss, nets["generator"].parameters())


def test_wgan_gp_takes_the_penalty_between_images():
    bench = Bench("wgan-gp", spread=10.0, critic_steps=1, penalty=7.0)
    source = bench.source(1)
    x, z, mix = source.real().images, source.normal(BATCH, 4), source.uniform(BATCH, 1, 1, 1)
    critic, gen = bench.before["critic"], bench.before["generator"]
    fake = gen(z).detach()
    between = ((1 - mix) * x + mix * fake).requires_grad_()
    norms = []
    for i in range(BATCH):
        (slope,) = torch.autograd.grad(critic(between[i : i + 1]).sum(), between, create_graph=True)
        norms.append(slope[i].norm())
    penalty = 7 * (torch.stack(norms) - 1).square().mean()
    close(bench.seen["critic"][1], critic(fake).mean() - critic(x).mean() + penalty, critic.parameters())
    nets, grads = bench.seen["generator"]
    close(grads, -nets["critic"](nets["generator"](source.normal(BATCH, 4))).mean(), nets["generator"].parameters())


def test_r3gan_is_relativistic_with_both_penalties():
    bench = Bench("r3gan", spread=10.0, penalty=0.8)
    source = bench.source(1)
    critic, gen = bench.before["critic"], bench.before["generator"]
    x, z = source.real().images.requires_grad_(), source.normal(BATCH, 4)
    fake = gen(z).detach().requires_grad_()
    loss = says(critic(x) - critic(fake), 1)
    for side in (x, fake):
        (slope,) = torch.autograd.grad(critic(side).sum(), side, create_graph=True)
        loss = loss + 0.8 / 2 * slope.square().sum(dim=(1, 2, 3)).mean()
    close(bench.seen["critic"][1], loss, critic.parameters())
    nets, grads = bench.seen["generator"]
    x, z = source.real().images, source.normal(BATCH, 4)
    close(grads, says(nets["critic"](nets["generator"](z)) - nets["critic"](x), 1), nets["generator"].parameters())


def test_mix_weighs_every_pair_and_keeps_all_in_use():
    bench = Bench("mix-dcgan", entropy=0.3)
    source = bench.source(1)
    mixture, critics = bench.before["mixture"], bench.before["critics"]
    with torch.no_grad():
        mixture.logits.copy_(torch.tensor([0.4, -0.2]))
        critics.logits.copy_(torch.tensor([-0.3, 0.5]))
    bench.training.networks.load_state_dict(bench.before.state_dict())
    bench.training.step(bench.source(1))
    z, x = source.normal(2, BATCH, 4), source.real().images

    def payoff(nets, noise, signs):
        w = [nets["mixture"].logits.softmax(0), nets["critics"].logits.softmax(0)]
        total = 0
        for i in range(2):
            fake = nets["mixture"].generators[i](noise[i])
            for j in range(2):
                critic = nets["critics"].critics[j]
                real = says(critic(x), 1) if signs else 0
                total = total + w[0][i] * w[1][j] * (real + says(critic(fake), 0 if signs else 1))
        side = w[1] if signs else w[0]
        return total - 0.3 * side.log().mean()

    close(bench.seen["critics"][1], payoff(bench.before, z, True), critics.parameters())
    nets, grads = bench.seen["mixture"]
    close(grads, payoff(nets, source.normal(2, BATCH, 4), False), nets["mixture"].parameters())


def test_bigan_turns_both_signs_for_generator_and_encoder():
    bench = Bench("bigan")
    source = bench.source(1)
    x, z = source.real().images, source.normal(BATCH, 4)
    pair, critic = bench.before["pair"], bench.before["critic"]
    loss = says(critic(x, pair.codes(x)[0]), 1) + says(critic(pair.decoder(z), z), 0)
    close(bench.seen["critic"][1], loss, critic.parameters())
    nets, grads = bench.seen["pair"]
    pair, critic = nets["pair"], nets["critic"]
    loss = says(critic(x, pair.codes(x)[0]), 0) + says(critic(pair.decoder(z), z), 1)
    close(grads, loss, pair.parameters())
    moved = {name for (name, _), grad in zip(pair.named_parameters(), grads, strict=True) if grad.abs().max() > 0}
    assert any(name.startswith("encoder") for name in moved)
    assert any(name.startswith("decoder") for name in moved)


def test_ali_draws_its_code_and_trains_mean_and_variance_through_the_draw():
    """Of a bigan's loss: E(x) = μ + σε, with ε from the step's own noise after z."""
    bench = Bench("ali", spread=4.0)  # so that variances are not all about 1
    source = bench.source(1)
    x, z, noise = source.real().images, source.normal(BATCH, 4), source.normal(BATCH, 4)

    def code(pair):
        mean, log_variance = pair.codes(x)
        return torch.distributions.Normal(mean, (log_variance / 2).exp()).icdf(0.5 * (1 + torch.erf(noise / 2**0.5)))

    pair, critic = bench.before["pair"], bench.before["critic"]
    loss = says(critic(x, code(pair)), 1) + says(critic(pair.decoder(z), z), 0)
    close(bench.seen["critic"][1], loss, critic.parameters())
    nets, grads = bench.seen["pair"]
    pair, critic = nets["pair"], nets["critic"]
    loss = says(critic(x, code(pair)), 0) + says(critic(pair.decoder(z), z), 1)
    close(grads, loss, pair.parameters())
    named = {name: grad for (name, _), grad in zip(pair.named_parameters(), grads, strict=True)}
    (last,) = [grad for grad in named.values() if grad.shape == (8,)][-1:]
    assert (last.abs() > 0).all(), "four means and four log variances"


def test_the_encoder_of_an_ali_has_a_spread_of_its_own_for_each_image():
    pairs = [Bench(name).training.product().eval() for name in ("ali", "bigan")]
    x = Bench("ali").source(0).real().images
    drawn, fixed = (pair.encode(x)[1].detach() for pair in pairs)
    assert (drawn[1:] != drawn[0]).any(dim=0).all()
    assert torch.equal(fixed, fixed[:1].expand_as(fixed))


@pytest.mark.usefixtures("quick_classifier")
@pytest.mark.parametrize("joint", [1.0, 0.0])
def test_stacked_gan_trains_apart_and_then_jointly(joint):
    bench = Bench("stacked-gan", joint=joint, condition=0.7, entropy=0.4)
    source = bench.source(1)
    (x, y, _), z = source.real(), source.normal(BATCH, 4)
    nets, grads = bench.seen["stack"]
    guide, stack, real = nets["guide"], nets["stack"], nets["guide"].features(x)
    made = stack.features(z, y)
    given = made if joint == 0 else real
    images = stack.render(given, z)
    upper, lower = nets["upper_critic"](made), nets["lower_critic"](images)
    loss = says(upper[:, 0], 1) + 0.4 * (upper[:, 1:] - z[:, :2]).square().mean()
    loss = loss + 0.7 * cross_entropy(guide.logits(made), y)
    loss = loss + says(lower[:, 0], 1) + 0.4 * (lower[:, 1:] - z[:, 2:]).square().mean()
    loss = loss + 0.7 * (guide.features(images) - given).square().mean()
    close(grads, loss, stack.parameters())
    critic = bench.before["lower_critic"]
    stack = bench.before["stack"]
    fake = stack.render(stack.features(z, y) if joint == 0 else real, z).detach()
    scores = critic(fake)
    loss = says(critic(x)[:, 0], 1) + says(scores[:, 0], 0) + 0.4 * (scores[:, 1:] - z[:, 2:]).square().mean()
    close(bench.seen["lower_critic"][1], loss, critic.parameters())
    for name, value in bench.training.networks["guide"].state_dict().items():
        assert torch.equal(value, bench.before["guide"].state_dict()[name])


def test_vae_is_the_evidence_bound():
    """Log density at the best σ, and the divergence, by torch's own distributions."""
    bench = Bench("vae")
    source = bench.source(1)
    x, pair = source.real().images, bench.before["pair"]
    mean, log_variance = pair.codes(x)
    posterior = torch.distributions.Normal(mean, (log_variance / 2).exp())
    z = mean + posterior.scale * source.normal(BATCH, 4)
    pixels, made = (x + 1) / 2, (pair.decoder(z) + 1) / 2
    sigma = (made - pixels).square().mean().sqrt()
    prior = torch.distributions.Normal(torch.zeros(()), torch.ones(()))
    divergence = torch.distributions.kl_divergence(posterior, prior).sum(1).mean()
    likelihood = torch.distributions.Normal(made, sigma).log_prob(pixels).sum(dim=(1, 2, 3)).mean()
    assert bench.losses["bound"].item() == pytest.approx((divergence - likelihood).item(), rel=1e-4)
    assert bench.losses["divergence"].item() == pytest.approx(divergence.item(), rel=1e-4)
    close(bench.seen["pair"][1], divergence - likelihood, pair.parameters())
    twice = Bench("vae", beta=2.0)
    assert twice.losses["bound"].item() != pytest.approx(bench.losses["bound"].item(), rel=1e-4)


def test_autoencoder_is_the_squared_error_of_pixels():
    bench = Bench("autoencoder")
    x, pair = bench.source(1).real().images, bench.before["pair"]
    loss = ((pair.decoder(pair.encoder(x)) + 1) / 2 - (x + 1) / 2).square().mean()
    assert bench.losses["error"].item() == pytest.approx(loss.item(), rel=1e-5)
    close(bench.seen["pair"][1], loss, pair.parameters())


def test_glo_trains_decoder_and_the_codes_of_its_batch():
    bench = Bench("glo")
    batch, model, codes = bench.source(1).real(), bench.before["model"], bench.before["codes"]
    loss = (model.decoder(codes.weight[batch.places]) - batch.images).square().mean() / 4
    close(bench.seen["decoder"][1], loss, model.parameters())
    found = bench.seen["codes"][1][0].to_dense()
    (wanted,) = torch.autograd.grad(
        (model.decoder(codes.weight[batch.places]) - batch.images).square().mean() / 4, codes.weight
    )
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-7)


def test_learning_rates_are_those_of_the_papers():
    betas = {"dcgan": (0.5, 0.999), "wgan-gp": (0.0, 0.9), "bigan": (0.5, 0.999), "ali": (0.5, 0.999)}
    for name, wanted in betas.items():
        for optimizer in Bench(name).training.optimizers.values():
            assert optimizer.param_groups[0]["betas"] == wanted
    assert recipe("wgan-gp").penalty == 10
    assert math.isclose(recipe("dcgan").learning_rate, 2e-4)
