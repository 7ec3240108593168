import pytest
import torch

from didlearn.embeddings.classifier_network import FEATURES, ClassifierNetwork, draw_weights


@pytest.mark.parametrize(
    "shape", [(1, 8, 8), (3, 17, 9), (1, 28, 28), (3, 32, 32), (3, 41, 41), (3, 64, 64), (1, 89, 109), (3, 8, 130)]
)
def test_any_size_gives_features_and_logits(shape):
    network = ClassifierNetwork(shape, 7).eval()
    images = torch.rand(3, *shape)
    assert network.features(images).shape == (3, FEATURES)
    assert (network.features(images) >= 0).all()
    assert network(images).shape == (3, 7)


def test_three_convolutions_and_two_linear_layers():
    kinds = [type(module).__name__ for module in ClassifierNetwork((3, 32, 32), 10).modules()]
    assert kinds.count("Conv2d") == 3
    assert kinds.count("Linear") == 2


def test_weights_come_from_the_generator_alone():
    networks = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        network = ClassifierNetwork((1, 8, 8), 3)
        draw_weights(network, torch.Generator().manual_seed(5))
        networks.append(network.state_dict())
    assert all(torch.equal(networks[0][name], networks[1][name]) for name in networks[0])
