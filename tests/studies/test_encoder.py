import numpy as np
import pytest

from didlearn.studies.encoder import EncoderStudy


def model(name, support, seed):
    return {
        "model": name,
        "seed": seed,
        "lookalike_support": [support, support / 2, support * 2],
        "effective_support": [support, None, None],
        "frechet_distance": 2.0,
    }


def test_bigan_is_set_beside_dcgan_in_ratios():
    rng = np.random.default_rng(0)
    rows = [model("bigan", 200 * np.exp(0.05 * e), s) for s, e in enumerate(rng.standard_normal(4))]
    rows += [model("dcgan", 100 * np.exp(0.05 * e), s) for s, e in enumerate(rng.standard_normal(4))]
    result = EncoderStudy().summarise(rows)
    ratio = result.estimates["log_support_bigan_over_dcgan"]
    assert np.exp(ratio.value) == pytest.approx(2, rel=0.1)
    assert ratio.low < np.log(2) < ratio.high
    assert "more, with the encoder" in result.answer
    swapped = [row | {"model": {"bigan": "dcgan", "dcgan": "bigan"}[row["model"]]} for row in rows]
    assert "fewer, with the encoder" in EncoderStudy().summarise(swapped).answer


def test_too_few_models_are_not_compared():
    result = EncoderStudy().summarise([model("bigan", 10.0, 0), model("dcgan", 10.0, 0), model("dcgan", 10.0, 1)])
    assert result.answer == "Too few models are finished to compare them."
    assert set(result.estimates) == {"log_support_dcgan"}


def kinds(seeds, **real):
    """So many BiGANs of 200 look-alike images, and DCGANs of 100, that hardly differ among themselves."""
    return [
        model(name, support * (1 + 0.01 * seed), seed) | real
        for name, support in (("bigan", 200), ("dcgan", 100))
        for seed in range(seeds)
    ]


@pytest.mark.parametrize(
    ("seeds", "real", "words"),
    [
        (3, {}, ": more, with the encoder."),
        (3, {"lookalike_support_real": [900.0, 700.0, 1000.0]}, ": more, with the encoder."),
        (2, {}, "with 2 seeds of a kind no difference can be shown; 3 are needed."),
        (3, {"lookalike_support_real": [9e3, 5e3, 2e4]}, "but 6 of the 6 models have collapsed"),
        (2, {"lookalike_support_real": [9e3, 5e3, 2e4]}, "but 4 of the 4 models have collapsed"),
        (3, {"lookalike_support_real": [1300.0, 1000.0, 2e4]}, "but 3 of the 6 models have collapsed"),
        (3, {"lookalike_support_real": [9e3, None, None]}, ": more, with the encoder."),
    ],
)
def test_nothing_is_said_of_the_encoder_from_collapsed_models_or_too_few_seeds(seeds, real, words):
    said = EncoderStudy().summarise(kinds(seeds, **real)).answer
    assert words in said
    assert ("more, with the encoder" in said) == ("more, with the encoder" in words)


def test_the_study_end_to_end(run):
    result, rows, page = run("encoder", seeds=2, latent=4, discriminator_width=2, samples=50)
    assert len(rows) == 6
    assert all(
        isinstance(row[2], float) and isinstance(row[5], float) and isinstance(row[6], float)
        for row in result.tables[0].rows
    )
    assert {row[0] for row in result.tables[0].rows} == {"dcgan", "mix-dcgan", "bigan"}
    for text in ("learns an encoder", "Model by model", "nearest is a training image", "Diversity of each kind"):
        assert text in page


def test_the_mixture_stands_in_the_sentence_with_what_is_in_the_way():
    """Its ratio and interval, and no difference from collapsed models, few seeds or an interval over 1."""
    rows = kinds(3) + [model("mix-dcgan", 400 * (1 + 0.01 * seed), seed) for seed in range(3)]
    result = EncoderStudy().summarise(rows)
    ratio = result.estimates["log_support_mix_over_dcgan"]
    assert np.exp(ratio.value) == pytest.approx(4, rel=0.05)
    assert "MIX+DCGAN makes 4 times as many as DCGAN" in result.answer
    assert result.answer.endswith("more, with three of each network.")
    said = EncoderStudy().summarise([row for row in rows if row["seed"] < 2]).answer
    assert said.endswith("no difference is shown.")
    real = {"lookalike_support_real": [9e3, 7e3, 1e4]}
    assert EncoderStudy().summarise([row | real for row in rows]).answer.endswith("6 of these models collapsed.")
    assert "MIX" not in EncoderStudy().summarise(kinds(3)).answer


def test_models_that_spread_wider_than_the_data_are_not_called_diverse():
    """Noise in the images is no diversity learned: said where most models show more than real ones, which are drawn."""
    few, many = ({"lookalike_support_real": [count, count / 2, count * 2]} for count in (10.0, 450.0))
    for real, said in ((few, True), (many, False)):
        result = EncoderStudy().summarise([row | real for row in kinds(3)])
        assert result.answer.endswith("not diversity learned.") == said
        line = result.figures[0].series[-1]
        assert (line.label, line.y) == ("real images", (real["lookalike_support_real"][0],) * 2)
    assert "real images" not in [line.label for line in EncoderStudy().summarise(kinds(3)).figures[0].series]


def test_a_random_encoder_is_compared_where_it_is_asked_for():
    rows = [row | {"model": "ali"} if row["model"] == "bigan" else row for row in kinds(3)]
    asked = EncoderStudy(models=("dcgan", "ali"))
    assert {cell["model"] for cell in asked.cells()} == {"dcgan", "ali"}
    result = asked.summarise(rows)
    assert np.exp(result.estimates["log_support_ali_over_dcgan"].value) == pytest.approx(2, rel=0.05)
    assert "ALI makes 2 times as many as DCGAN" in result.answer
    assert result.answer.endswith("more, with an encoder that draws.")
    assert result.answer.startswith("ALI")
    assert EncoderStudy().models == ("dcgan", "mix-dcgan", "bigan")


def test_an_ali_is_trained_in_the_study(run):
    result, _, _ = run("encoder", models="ali", seeds=1, latent=4, discriminator_width=2, samples=80)
    assert [row[0] for row in result.tables[0].rows] == ["ali"]
