import numpy as np
import pytest
import torch

from didlearn.errors import DidlearnError, UsageError
from didlearn.images import open_images
from didlearn.models import LatentModel, Sampler, Samples, open_model


class Own(Sampler):
    name, kind, image_shape = "own", "own", (1, 2, 2)

    def draw(self, count, rng, **settings):
        return Samples(np.zeros((count, 1, 2, 2), dtype=np.uint8), None, np.ones(count, dtype=bool))


class OwnLatent(LatentModel):
    name, kind, image_shape, latent_shape, value_range = "own", "own", (1, 2, 2), (3,), (0, 1)

    def log_prior(self, z):
        return -z.square().sum(1) / 2

    def sample_prior(self, count, rng):
        return torch.from_numpy(np.stack([rng.numpy("z", i).normal(size=3) for i in range(count)])).float()

    def decode(self, z, labels=None):
        if not self.works:
            raise RuntimeError("out of luck\nC++ frames")
        return z[:, :1, None, None].sigmoid().expand(-1, *self.image_shape)

    works = True


def test_a_sampler_passes_through_untouched():
    sampler = Own()
    assert open_model(sampler) is sampler
    with pytest.raises(UsageError, match="classes says how a network is run; a Own is not one"):
        open_model(sampler, classes=3)


def test_a_latent_model_of_the_users_own_can_draw(rng):
    model = OwnLatent()
    samples = open_model(model).draw(50, rng, threads=2)
    assert samples.images.shape == (50, 1, 2, 2)
    np.testing.assert_array_equal(model.draw(20, rng).images, samples.images[:20])


def test_what_goes_wrong_in_it_is_a_model_error(rng):
    model = OwnLatent()
    model.works = False
    with pytest.raises(DidlearnError, match=r"own failed on 32 latents: RuntimeError: out of luck$"):
        model.draw(10, rng)
    model.works, model.image_shape = True, (1, 2, 2)
    model.decode = lambda z, labels=None: torch.zeros(len(z), 4)  # type: ignore[method-assign]
    with pytest.raises(DidlearnError, match=r"own made \(32, 4\) of 32 latents"):
        model.draw(10, rng)


@pytest.mark.parametrize("kind", ["array", "tensor", "images", "digits"])
def test_samples_in_memory_are_a_bank(kind):
    pixels = np.zeros((6, 1, 4, 4), dtype=np.uint8)
    spec = {"array": pixels, "tensor": torch.from_numpy(pixels), "images": open_images(pixels), "digits": "digits"}[
        kind
    ]
    assert open_model(spec).kind == "bank"


@pytest.mark.parametrize("spec", [3, None, lambda n, rng: None, object()])
def test_what_is_no_model_is_said(spec):
    with pytest.raises(UsageError, match="is no model; give a model folder"):
        open_model(spec)


@pytest.mark.parametrize("spec", ["nothing.pt", "nowhere/", "g.pt2", "some text", "", "a.py:", "hf-model"])
def test_what_is_not_there_is_said(spec):
    with pytest.raises(UsageError, match="there is no model"):
        open_model(spec)


@pytest.mark.parametrize("name", ["g.gguf", "g.safetensors", "g.h5"])
def test_weights_alone_are_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"whatever")
    with pytest.raises(UsageError, match=r"is (an? .*|weights alone): .*draw samples with it"):
        open_model(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x80 is no protocol", b"\x93NUMPY"])
def test_unknown_files_are_refused(tmp_path, content):
    (tmp_path / "thing.xyz").write_bytes(content)
    with pytest.raises(UsageError, match="nothing that is known"):
        open_model(tmp_path / "thing.xyz")


def test_a_path_with_a_home_and_a_name(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    np.save(tmp_path / "bank.npy", np.zeros((3, 1, 4, 4), dtype=np.uint8))
    assert open_model("~/bank.npy", name="mine").name == "mine"


def test_the_spec_is_the_default_name(conv_net):
    assert open_model(conv_net).name == "ConvNet"
    assert open_model(conv_net, name="G").name == "G"


@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"G": state, "step": 3}, lambda _: {}])
def test_weights_in_a_mapping_are_no_network(conv_net, wrap):
    with pytest.raises(UsageError, match=r"is no model: a state_dict or checkpoint holds weights.*give the network"):
        open_model(wrap(conv_net.state_dict()))


def test_an_opened_npz_file_is_no_model(tmp_path):
    np.savez(tmp_path / "x.npz", images=np.zeros((3, 1, 4, 4), np.uint8))
    with pytest.raises(UsageError, match=r"npz file.*'images'.*give its path"):
        open_model(np.load(tmp_path / "x.npz"))
