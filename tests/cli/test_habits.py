"""Flags and keywords as other programs call them are answered with ours."""

import pytest

import didlearn as dl
from didlearn.audit.habits import likely
from didlearn.audit.spec import AuditSpec
from didlearn.errors import UsageError
from tests.typed import didlearn

TYPED = [
    (["audit", "--gpu", "0"], "did you mean --device cuda:0?"),
    (["audit", "--gpu=1"], "did you mean --device cuda:1?"),
    (["audit", "--num-workers", "4"], "did you mean --threads?"),
    (["audit", "--num_workers", "4"], "did you mean --threads?"),
    (["audit", "--real", "x"], "did you mean --train?"),
    (["audit", "--gen", "x"], "did you mean --generator?"),
    (["audit", "--fake", "x"], "did you mean --generator?"),
    (["audit", "--metrics", "support", "fidelity", "--seed", "1"], "did you mean --checks support,fidelity?"),
    (["audit", "--outdir", "x"], "did you mean --output?"),
    (["support", "--num-samples", "5"], "did you mean --samples?"),
    (["audit", "--generater", "x"], "did you mean --generator?"),
    (["audit", "--batch", "5"], "did you mean --batch-size?"),
    (["train", "vae", "--dataset", "x"], "--data"),
    (["audit", "--checks", "support", "fidelity"], "several checks are one list, as in --checks support,fidelity"),
]


@pytest.mark.parametrize(("words", "answer"), TYPED)
def test_flags(words, answer, tmp_path):
    done = didlearn(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert answer in done.stderr


@pytest.mark.parametrize(
    ("keyword", "answer"),
    [
        ("samples", r"it is a parameter of .*support.*: give checks=\[.*\(samples=3\)\], with `from didlearn\.checks"),
        ("n_samples", r"\(samples=3\)"),
        ("level", r"\(level=3\)"),
        ("real", "did you mean 'train'"),
        ("fake", "did you mean 'generator'"),
        ("num_workers", "did you mean 'threads'"),
        ("metrics", "did you mean 'checks'"),
        ("gpu", "did you mean 'device'"),
        ("zzz", "audit has no keyword 'zzz'; valid are generator"),
    ],
)
def test_keywords(keyword, answer):
    with pytest.raises(UsageError, match=answer):
        dl.audit(train="digits", **{keyword: 3})


def test_ours_are_not_taken_for_others():
    names = list(AuditSpec.model_fields)
    assert all(likely(name, names) == name for name in names)
    assert likely("qqqq", names) is None
