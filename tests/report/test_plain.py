"""Estimates are called by words that a reader knows, and no two of a check by the same."""

import re
from pathlib import Path

import pytest

from didlearn.checks import CHECKS
from didlearn.report.plain import plain_name

UNWANTED = re.compile(r"gram p-value|error train|pvalue|heldout|_|its law is|as pairs see", re.IGNORECASE)


def declared(check):
    """Every name that a check may give an estimate: optional parts in and out, groups by three names."""
    for key in CHECKS[check].estimates:
        for form in without_brackets(key):
            groups = ("train", "heldout", "fashion") if "{group}" in form else ("",)
            yield from (form.replace("{group}", group) for group in groups)


def without_brackets(key):
    found = re.search(r"\[([^]]*)\]", key)
    if found is None:
        return [key]
    before, after = key[: found.start()], key[found.end() :]
    return [*without_brackets(before + after), *without_brackets(before + found[1] + after)]


@pytest.mark.parametrize("check", sorted(CHECKS))
def test_no_two_quantities_of_a_check_are_called_alike_and_none_by_its_key(check):
    called = {name: plain_name(check, name) for name in declared(check)}
    assert len(set(called.values())) == len(called)
    assert [words for words in called.values() if UNWANTED.search(words) or not words[0].isupper()] == []


@pytest.mark.parametrize(
    ("check", "name", "words"),
    [
        ("inversion", "error_train", "Median error of training images"),
        ("inversion", "error_heldout_published", "Median error of held-out images, published protocol"),
        ("inversion", "error_fashion_mnist", "Median error of fashion mnist"),
        ("gaussianity", "gram_pvalue_heldout", "Spectrum against a Gaussian's, p-value, held-out images"),
        ("support", "lookalike_support_1e5", "Look-alike support, one real pair in a hundred thousand"),
        ("support", "lookalike_support_1e6_real", "Look-alike support of real images, one pair of theirs in a million"),
        ("support", "effective_support", "Effective support"),
        ("typicality", "atypical_batches_train", "Atypical batches of training images"),
        ("nobody", "some_pvalue", "Some, p-value"),
        ("nobody", "greenness", "Greenness"),
    ],
)  # fmt: skip
def test_names_are_the_declared_ones_or_the_keys_own_words(check, name, words):
    assert plain_name(check, name) == words


def test_no_page_speaks_in_words_of_its_own():
    root = Path(__file__).parents[2]
    phrases = re.compile(r"as pairs (see|tell)|law is (shown to be )?shifted|gram p-value|error train\b", re.IGNORECASE)
    texts = [p for folder in ("src", "docs") for p in (root / folder).rglob("*") if p.suffix in (".py", ".html", ".md")]
    assert len(texts) > 300
    assert [str(path) for path in texts if phrases.search(path.read_text(encoding="utf-8"))] == []
