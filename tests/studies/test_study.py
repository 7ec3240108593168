import pytest

from didlearn.errors import UsageError
from didlearn.studies.discriminator_size import DiscriminatorSize
from didlearn.studies.encoder import EncoderStudy
from didlearn.studies.latent_dimension.study import LatentDimension
from didlearn.studies.registry import STUDIES
from tests.studies.toy import Toy


def test_settings_as_typed():
    made = Toy.make({"count": "5", "widths": "4, 8,16", "words": "one", "label": "a,b"})
    assert made == Toy(count=5, widths=(4, 8, 16), words=("one",), label="a,b")
    assert Toy.make({"widths": "7"}).widths == (7,)
    assert Toy.make({"widths": (7, 8)}).widths == (7, 8)


def test_the_full_grid_gives_way_to_what_is_said():
    assert Toy.make({}, full=True) == Toy(count=9, widths=(1, 2, 3))
    assert Toy.make({"count": "2"}, full=True) == Toy(count=2, widths=(1, 2, 3))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"with": "3"}, "the study toy has no setting 'with'; it has count, widths, words"),
        ({"count": "three"}, "the study toy: count: .*valid integer.*got 'three'"),
        ({"widths": "1,x"}, "the study toy: widths.1: .*got 'x'"),
    ],
)
def test_settings_that_cannot_be_used_are_one_sentence(settings, message):
    with pytest.raises(UsageError, match=message):
        Toy.make(settings)


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_has_a_full_grid_of_its_own_settings(name):
    study = STUDIES[name]
    small, full = study.make({}), study.make({}, full=True)
    assert small.name == name
    assert study.question.endswith("?")
    assert len(small.cells()) <= len(full.cells())
    keys = [tuple(sorted(map(str, cell.items()))) for cell in full.cells()]
    assert len(set(keys)) == len(keys)


def test_studies_refuse_models_they_do_not_compare():
    with pytest.raises(UsageError, match=r"compares dcgan, mix-dcgan, bigan, ali; got vae"):
        EncoderStudy.make({"models": "vae"})
    with pytest.raises(UsageError, match=r"compares wgan-gp, autoencoder, vae, glo, dcgan, bigan, r3gan; got diff"):
        LatentDimension.make({"models": "diffusion"})
    with pytest.raises(UsageError, match="an interval needs two images"):
        LatentDimension.make({"images": "1"})
    assert DiscriminatorSize.make({"widths": "4"}).widths == (4,)
