"""The answer above all checks: no by one shown fault, yes by all that is needed, else open."""

from didlearn.result.answer import NEEDED, answer_of
from didlearn.result.values import CheckResult, Effect, Estimate, Settles


def result(check, verdict, **more):
    found = {"e": Estimate(value=1, low=0, high=2, n=more.pop("n", 100), method="")}
    return CheckResult(check=check, verdict=verdict, reason=f"reason of {check}", estimates=found, **more)


def passed(*names, **more):
    return [result(name, "pass", **more) for name in names]


def test_all_that_is_needed_makes_a_yes():
    answer = answer_of([*passed(*NEEDED, n=20_000), result("typicality", "inconclusive"), *passed("inversion")])
    assert answer.verdict == "yes"
    assert answer.reasons == tuple(f"reason of {name}" for name in ("memorization", "support", "fidelity", "inversion"))
    assert answer.sentence == "Yes, as far as 20\u202f000 images can tell."


def test_one_fault_makes_a_no_by_the_weightiest():
    repeats = Effect(estimate="e", wrong="it repeats itself (about 19 images)", tolerance=1, outcome="beyond")
    fine = Effect(estimate="e", wrong="not this", tolerance=1, outcome="within")
    checks = [*passed("memorization"), result("fidelity", "fail"), result("support", "fail", effects=(fine, repeats))]
    answer = answer_of(checks)
    assert answer.verdict == "no"
    assert answer.sentence == "No: it repeats itself (about 19 images)."
    assert answer.reasons == ("it repeats itself (about 19 images)", "reason of fidelity")


def test_copying_weighs_more_than_anything():
    checks = [result(name, "fail") for name in ("inversion", "fidelity", "support", "memorization")]
    order = ("memorization", "support", "fidelity", "inversion")
    assert answer_of(checks).reasons == tuple(f"reason of {name}" for name in order)


def test_an_error_or_a_missing_check_leaves_it_open():
    for rest in ([], [result("fidelity", "error")], [result("fidelity", "not_run")], [result("fidelity", "measured")]):
        answer = answer_of([*passed("support", "memorization"), *rest])
        assert answer.verdict == "open"
        assert "fidelity" in answer.sentence


def test_an_open_answer_says_what_would_settle_it():
    settles = Settles(clause="about 22\u202f000 samples would settle it", of="samples", number=22_000)
    checks = [*passed("memorization", "fidelity"), result("support", "inconclusive", settles=settles)]
    answer = answer_of(checks)
    assert answer.sentence == "Not shown either way: about 22\u202f000 samples would settle it."
    assert answer.reasons == ("support: reason of support",)


def test_a_fault_of_a_further_check_outweighs_what_passed():
    assert answer_of([*passed(*NEEDED), result("inversion", "fail")]).verdict == "no"


def test_an_answer_left_open_twice_says_the_first():
    answer = answer_of([*passed("memorization"), result("support", "measured")])
    assert answer.sentence == "Not shown either way: support: reason of support."
    assert answer.reasons == ("support: reason of support", "fidelity was not asked")
    assert answer_of(passed("memorization")).sentence == "Not shown either way: support was not asked."


def test_as_many_images_can_tell_as_support_counted_pairs_among():
    pairs = {"effective_support": Estimate(value=None, low=9, high=None, n=300, method="")}
    support = CheckResult(check="support", verdict="pass", estimates=pairs)
    assert "300 images" in answer_of([support, *passed("memorization", "fidelity", n=5_000)]).sentence
    fewer = [*passed("support", n=50), *passed("memorization", n=200), *passed("fidelity", n=90)]
    assert "200 images" in answer_of(fewer).sentence


def test_all_that_is_open_must_be_settled():
    """The mistake this sees: the first open check's number, where another needs more or nothing settles it."""

    def opened(name, of, number):
        clause = f"about {number} {of} would settle it"
        return result(name, "inconclusive", settles=Settles(clause=clause, of=of, number=number))

    both = [*passed("fidelity"), opened("memorization", "samples", 300), opened("support", "samples", 20)]
    assert answer_of(both).sentence == "Not shown either way: about 300 samples would settle it."
    kinds = [*passed("fidelity"), opened("memorization", "held-out images", 9), opened("support", "samples", 20)]
    assert answer_of(kinds).sentence == (
        "Not shown either way: about 20 samples would settle it and about 9 held-out images would settle it."
    )
    never = Settles(clause="no number of images within reach settles it")
    hopeless = [opened("memorization", "samples", 300), result("support", "inconclusive", settles=never)]
    assert answer_of([*passed("fidelity"), *hopeless]).sentence == "Not shown either way: support: reason of support."


def beyond(**wrong):
    return tuple(Effect(estimate=name, wrong=words, tolerance=1, outcome="beyond") for name, words in wrong.items())


def test_a_blurred_generator_is_called_blurred_before_what_blur_brings_about():
    support = result("support", "fail", effects=beyond(relative_support="it uses 10 % of the data's spread"))
    looks = beyond(vendi_ratio="less diverse", kernel_shift="it differs", fine_detail="its images are blurred")
    answer = answer_of([*passed("memorization"), support, result("fidelity", "fail", effects=looks)])
    assert answer.sentence == "No: its images are blurred, and it uses 10 % of the data's spread."
    assert answer.reasons == (
        "its images are blurred", "it uses 10 % of the data's spread", "less diverse", "it differs",
    )  # fmt: skip


def test_blur_does_not_outweigh_copies_and_repetitions():
    looks = result("fidelity", "fail", effects=beyond(fine_detail="its images are blurred"))
    repeats = beyond(support_ratio="it repeats itself", relative_support="it uses little")
    answer = answer_of([*passed("memorization"), result("support", "fail", effects=repeats), looks])
    assert answer.sentence == "No: it repeats itself."
    assert answer.reasons == ("it repeats itself", "its images are blurred", "it uses little")
    copies = result("memorization", "fail", effects=beyond(copied_fraction="it copies"))
    assert answer_of([copies, looks]).reasons == ("it copies", "its images are blurred")


def test_looks_alone_are_the_answer():
    both = beyond(fine_detail="its images are noisy", brightness_shift="its images are brighter")
    answer = answer_of([*passed("support", "memorization"), result("fidelity", "fail", effects=both)])
    assert answer.sentence == "No: its images are noisy."
