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


def test_the_study_end_to_end(run):
    result, rows, page = run("encoder", seeds=2, latent=4, discriminator_width=2, samples=300)
    assert len(rows) == 6
    assert {row[0] for row in result.tables[0].rows} == {"dcgan", "mix-dcgan", "bigan"}
    for text in ("learns an encoder", "Model by model", "nearest is a training image", "Diversity of the three kinds"):
        assert text in page
