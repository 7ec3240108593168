"""The rule that shows most copies, and an interval that allows for choosing it."""

import numpy as np
import pytest

from didlearn.statistics.copying.excess import Matches, Rule, Rules, each_once, independent

STRICT, LOOSE = Rule(Matches(400, 2_000, 0, 2_000), 0.4), Rule(Matches(1_040, 2_000, 80, 2_000), 1.0)


def test_a_single_rule_is_taken_as_it_is():
    matches = Matches(40, 2_000, 3, 1_000)
    assert Rules.one(matches).fraction(0.9) == matches.fraction(0.9)


def test_the_rule_that_shows_most_is_chosen():
    """Half are copies: the strict rule finds two in five of them, the loose one all, and 4 % of the others."""
    both = Rules((STRICT, LOOSE))
    assert both.chosen(0.95) == LOOSE
    found = both.fraction(0.95)
    assert found.value == pytest.approx(1 - (960 / 2_000) / (1_920 / 2_000))
    assert found.low == LOOSE.matches.fraction(0.975).low  # two rules were looked at
    assert found.high == LOOSE.matches.fraction(0.96).high


def test_where_none_shows_copies_chance_is_asked_least():
    clean = Rules((Rule(Matches(80, 2_000, 80, 2_000), 1.0), Rule(Matches(0, 2_000, 0, 2_000), 0.9)))
    assert clean.chosen(0.95).found == 0.9


def test_chance_is_asked_least_by_share_and_not_by_count():
    """None shows copies: one of ten held-out images is more than two of a thousand."""
    few, many = Rule(Matches(10, 100, 1, 10), 0.9), Rule(Matches(2, 1_000, 2, 1_000), 0.5)
    assert Rules((few, many)).chosen(0.95) == many


def test_a_rule_that_matches_every_held_out_image_shows_no_copies():
    every = Rule(Matches(2_000, 2_000, 2_000, 2_000), 1.0)
    assert every.matches.fraction(0.95).value is None
    assert Rules((LOOSE, every)).fraction(0.95).low == LOOSE.matches.fraction(0.975).low


def test_what_a_rule_misses_is_added_above():
    """The second rule matches fewer samples, and cannot say how many copies the first misses."""
    found = Rules((STRICT, Rule(Matches(100, 2_000, 90, 2_000), 1.0))).fraction(0.95)
    assert (found.value, found.high) == pytest.approx((0.2, STRICT.matches.fraction(0.96).high / 0.4))


def test_a_looser_rule_bounds_what_is_missed():
    """.2 at .4 found might be .5; a rule that finds all copies, and a tenth of the others, shows no more than .25."""
    loose = Rule(Matches(560, 2_000, 200, 2_000), 1.0)
    found = Rules((STRICT, loose)).fraction(0.95)
    assert found.value == pytest.approx(0.2)
    assert found.high == loose.matches.fraction(0.99).high < 0.25


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5])
def test_intervals_cover_the_share_of_copies(share):
    """Three nested rules, which find .6, .95 and 1 of the copies and by chance .0005, .01 and .05 of the others."""
    rng, covered, trials = np.random.default_rng(0), 0, 400
    found, chance = np.array([0.6, 0.95, 1.0]), np.array([0.0005, 0.01, 0.05])
    for _ in range(trials):
        copies = rng.binomial(2_000, share)
        hit = np.sort(rng.random(copies))[:, None] < found
        own = hit.sum(0) + (rng.random((2_000 - copies, 1)) < chance).sum(0)
        real = (rng.random((1_000, 1)) < chance).sum(0)
        rules = [
            Rule(Matches(int(o), 2_000, int(r), 1_000), float(f)) for o, r, f in zip(own, real, found, strict=True)
        ]
        one = Rules(tuple(rules)).fraction(0.95)
        covered += one.low <= share <= one.high
    # 5 % may miss; three standard errors of the count beside.
    assert covered >= trials * 0.95 - 3 * np.sqrt(trials * 0.95 * 0.05)


NINE_FOUND = np.array([0.3, 0.5, 0.67, 0.67, 0.7, 0.8, 0.9, 0.95, 1.0])
NINE_CHANCE = np.array([0.0, 2e-5, 5e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03])


def nine(rng, share, samples=10_000):
    """Nine nested rules of ``samples`` images, of which some are copies, and as many held-out ones."""
    copies = rng.binomial(samples, share)
    own = (rng.random((copies, 1)) < NINE_FOUND).sum(0)
    own, real = own + rng.binomial(samples - copies, NINE_CHANCE), rng.binomial(samples, NINE_CHANCE)
    columns = zip(own, real, NINE_FOUND, strict=True)
    return Rules(tuple(Rule(Matches(int(o), samples, int(r), samples), float(f)) for o, r, f in columns))


def test_the_end_is_right_whichever_rule_is_taken():
    """Of one copy in 400 the end lies below the share in at most one of forty."""
    rng, trials = np.random.default_rng(3), 300
    missed = sum(nine(rng, 1 / 400).fraction(0.95).high < 1 / 400 for _ in range(trials))
    assert missed <= trials / 40 + 3 * np.sqrt(trials / 40)


def test_one_match_by_chance_does_not_hide_that_there_are_no_copies():
    """The mistake this sees: the chosen rule's end paid for eight others, one of 10 000 left room for .12 %."""
    rules = [Rule(Matches(1, 10_000, 0, 10_000), 0.67)] + [Rule(Matches(0, 10_000, 0, 10_000), 0.3)] * 8
    assert 0.0007 < Rules(tuple(rules)).fraction(0.95).high < 0.001
    rules = [Rule(Matches(0, 10_000, 0, 10_000), 0.67)] * 9
    assert Rules(tuple(rules)).fraction(0.95).high > -np.log(0.025) / 10_000  # what a single rule could show


def test_images_looked_up_among_their_own_set_count_where_they_match_as_often():
    assert independent((5, 1_000), (9, 2_000)) == (14, 3_000)
    assert independent((5, 1_000), (0, 0)) == (5, 1_000)
    assert independent((5, 1_000), (60, 2_000)) == (5, 1_000)  # a set that was mirrored, say, matches itself
    assert independent((60, 1_000), (9, 2_000)) == (60, 1_000)  # a leak that stayed unseen


@pytest.mark.parametrize(
    ("heldout", "again", "alike"),
    # Fisher's p: 0.206, 0.222, 0.1, 0.486 (0.19 of 1 among 6), and 0.029
    [
        ((3, 4), (1, 5), True),
        ((1, 2), (0, 7), True),
        ((1, 1), (0, 9), False),
        ((3, 4), (1, 4), True),
        ((4, 4), (0, 4), False),
    ],
)
def test_shares_are_alike_from_a_p_value_of_a_fifth(heldout, again, alike):
    pooled = (heldout[0] + again[0], heldout[1] + again[1])
    assert independent(heldout, again) == (pooled if alike else heldout)


def test_few_copies_show_beside_a_larger_null():
    """20 of 4 000 beside 1 of 2 000 might be chance; beside 2 of 4 000 not, at the level of nineteen rules."""
    level = 1 - 0.05 / 19
    assert Matches(20, 4_000, 1, 2_000).fraction(level).low == 0
    assert Matches(20, 4_000, *independent((1, 2_000), (1, 2_000))).fraction(level).low > 0


def test_both_images_of_a_pair_count_once():
    """1 and 5 match one another, 7, 8 and 9 show one picture, 3 matches an image that was not looked up."""
    row, partner = np.array([1, 5, 3, 7, 8, 9]), np.array([5, 1, 20, 8, 9, 8])
    effect = (2**2 + 1 + 3**2) / 6
    assert each_once(row, partner, 100, 1_000) == (round(6 / effect), round(100 / effect))
    assert each_once(row[:0], partner[:0], 100, 100) == (0, 50)
    assert each_once(row[:0], partner[:0], 1, 100) == (0, 1)
    assert each_once(row[:0], partner[:0], 1, 1) == (0, 1)  # never none
    assert each_once(row[:2], partner[:2], 100, 100) == (1, 50)


@pytest.mark.parametrize("looked_up", [1, 0.25])
def test_a_clean_generator_is_accused_no_oftener_than_the_level_says(looked_up):
    """Some training images recur, none is copied. The mistake this sees: each pair counted from both ends."""
    rng, trials, accused = np.random.default_rng(2), 600, 0
    count, kinds, heldout, samples = 2_000, 60_000, 400, 2_000
    for _ in range(trials):
        train = rng.integers(kinds, size=count)
        last = np.full(kinds, -1)
        last[train] = np.arange(count)
        first = np.full(kinds, -1)
        first[train[::-1]] = np.arange(count)[::-1]
        rows = np.flatnonzero(rng.random(count) < looked_up)
        partner = np.where(last[train] == np.arange(count), first[train], last[train])[rows]
        hit = partner != rows
        drawn = [int((last[rng.integers(kinds, size=size)] >= 0).sum()) for size in (samples, heldout)]
        again = each_once(rows[hit], partner[hit], len(rows), count)
        matches = Matches(drawn[0], samples, *independent((drawn[1], heldout), again))
        accused += matches.fraction(0.95).low > 0
    # Of both ends 5 % may miss, of one 2.5 %; three standard errors of the count beside.
    assert accused <= trials * 0.025 + 3 * np.sqrt(trials * 0.025)
