"""The faults that are planted, and that a fault is seen exactly if a test sees it."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mutants import HARMLESS, SOURCE, find_tests, imported, key, read_harmless
from mutations import find_mutants

TOOLS = Path(__file__).parents[2] / "tools"


def faults(expression):
    """What an expression in a function may become."""
    tree = ast.parse(f"def f(a, b, x):\n    return {expression}")
    return {mutant.mutated for mutant in find_mutants(tree)}


@pytest.mark.parametrize(
    ("expression", "faulty"),
    [
        ("a < b", {"a <= b", "a >= b"}),
        ("a is None", {"a is not None"}),
        ("a + b", {"a - b"}),
        ("a / b", {"a * b"}),
        ("a ** b", {"a * b"}),
        ("a and b", {"a or b"}),
        ("not a", {"a"}),
        ("-a", {"a"}),
        ("7", {"8", "6", "14", "3"}),
        ("True", {"False"}),
        ("0.95", {"1.9", "0.475", "0.75"}),
        ("max(a, b)", {"min(a, b)"}),
        ("a.mean()", {"a.sum()"}),
        ("np.sqrt(a)", {"a"}),
        ("a.abs()", {"a"}),
        ("a if b else x", {"a if not b else x"}),
        ("x[a:b]", {"a + 1:b", "a:b - 1"}),
        ("range(a)", {"range(a - 1)"}),
        ("np.searchsorted(a, b, side='right')", {"side='left'"}),
        ("[i for i in a if i]", {"not i"}),
    ],
)
def test_the_faults_of_an_expression(expression, faulty):
    found = faults(expression)
    assert {fault.replace("0.7499999999999998", "0.75") for fault in found} == faulty


def test_what_only_people_and_the_type_checker_read_stays_as_it_is():
    source = '''
"""Text 1."""
from typing import Literal
Kind = Literal[1] | None
@dataclass(frozen=True)
class A:
    "Text."
    x: Literal[2]
def f(x: Literal[3]) -> Literal[4]:
    assert x != 5
    if isinstance(x, int | str):
        raise ValueError(f"{x:7}")
    progress(1, 6)
    return f"{x + 1:5}" + "text", x.reshape(a, -1), Figure(width=9), 1e-12, y("name")
'''
    assert {m.mutated for m in find_mutants(ast.parse(source))} == {"not isinstance(x, int | str)"}


def test_a_fault_leaves_the_tree_as_it_was_and_the_code_faulty():
    tree = ast.parse("def f(x):\n    x += 1\n    return x")
    before = ast.dump(tree)
    results = set()
    for mutant in find_mutants(tree):
        namespace: dict[str, Any] = {}
        exec(mutant.compile(tree, "f.py"), namespace)
        results.add((mutant.line, mutant.function, namespace["f"](10)))
    assert results == {(2, "f", 9), (2, "f", 12), (2, "f", 10)}
    assert ast.dump(tree) == before


def test_methods_bear_their_class_and_inner_functions_their_outer():
    source = "LIMIT = 2\nclass A:\n    x: int = 3\n    def f(self):\n        def g(): return 1\n        return g"
    assert {(m.original, m.function, m.within) for m in find_mutants(ast.parse(source))} == {
        ("2", "<module>", "<module>"),
        ("3", "A.", "<module>"),
        ("1", "A.f", "A.f"),
    }


MODULE = """
LIMIT = 10


def area(width, height):
    return width * height


def big(width, height):
    return area(width, height) > LIMIT


def forgotten(width):
    return width + 1


def endless(n, rest):
    while n > 0:
        n -= 1
        rest()
    return n


def doubled(number):
    return 2 * number


TEN = doubled(5)
"""
TESTS = """
from grown.rooms import TEN, area, big


def test_ten():
    assert TEN == 10


def test_area():
    assert area(3, 4) == 12


def test_big():
    assert big(3, 4) and not big(2, 4)
"""
# What never ends rests: until its deadline it would take a processor for itself.
DEEPER = """
from time import sleep

from grown.rooms import endless


def test_endless():
    assert endless(3, lambda: sleep(0.01)) == 0
"""


@pytest.fixture
def grown(tmp_path):
    """A package with one module, and tests of it in two folders, of which one has a conftest of its own."""
    package = tmp_path / "src" / "grown"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "rooms.py").write_text(MODULE)
    deeper = tmp_path / "tests" / "deeper"
    deeper.mkdir(parents=True)
    (deeper / "conftest.py").write_text("def pytest_runtest_logreport(report):\n    pass\n")
    (deeper / "test_deeper.py").write_text(DEEPER)
    (tmp_path / "tests" / "test_rooms.py").write_text(TESTS)
    (tmp_path / "harmless.toml").touch()
    return tmp_path


def run(root, *arguments):
    code = (
        "import sys; from pathlib import Path; import mutants\n"
        f"root = Path({str(root)!r})\n"
        "mutants.ROOT, mutants.SOURCE, mutants.HARMLESS = root, root / 'src/grown', root / 'harmless.toml'\n"
        "mutants._GRACE = 3.0\n"
        f"sys.exit(mutants.main([str(root / 'src/grown/rooms.py'), *{list(arguments)!r}]))"
    )
    env = {"PYTHONPATH": str(TOOLS)}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, env=env, check=False)


def test_a_fault_survives_exactly_if_no_test_sees_it(grown):
    done = run(grown, "--jobs", "2")
    survivors = done.stdout.splitlines()
    # Of LIMIT 10, 11, 9, 20, 5 and big > or >=, areas 12 and 8 see 20 and 5; nothing sees `forgotten`;
    # counting down from three ends at 0, whether the loop stops at zero or is not entered, is seen;
    # what is entered on import alone, `doubled`, is seen too.
    # Two jobs end in any order.
    assert sorted(line for line in survivors if line.startswith("    ")) == sorted([
        "    width + 1", "    width - 1", "    width + 1", "    width + 2", "    width + 1", "    width + 0",
        "    10", "    11", "    10", "    9", "    area(width, height) > LIMIT", "    area(width, height) >= LIMIT",
    ])  # fmt: skip
    assert sum("no test enters it" in line for line in survivors) == 3
    assert done.returncode == 1
    assert "stopped at its deadline" in done.stderr  # n += 1 never ends: that is seen
    assert survivors[-1] == "6 of 24 faults survived: 25.0%"


def test_known_survivors_are_not_counted(grown):
    known = [("<module>", "10", "11"), ("<module>", "10", "9"), ("forgotten", "width + 1", "width - 1")]
    (grown / "harmless.toml").write_text(
        "".join(
            f'[[harmless]]\nfile = "rooms.py"\nfunction = "{f}"\noriginal = "{a}"\nmutated = "{b}"\nwhy = "so"\n'
            for f, a, b in known
        )
    )
    assert "3 of 24 survived, 3 more are harmless" in run(grown).stdout


def test_a_draw_is_repeatable_and_tests_that_fail_by_themselves_are_told(grown):
    assert run(grown, "--most", "4").stdout == run(grown, "--most", "4").stdout
    (grown / "tests" / "test_rooms.py").write_text("def test_nothing():\n    assert False")
    done = run(grown, "--tests", "tests/test_rooms.py")
    assert done.returncode != 0
    assert "fail without any fault" in done.stderr


def test_the_find_tests_a_module_are_those_that_import_it():
    path = SOURCE / "rng.py"
    found = find_tests(path)
    assert found
    assert all("didlearn.rng" in imported(test) for test in found)


def test_every_harmless_fault_can_still_be_planted_and_says_why():
    known = read_harmless(HARMLESS)
    assert all(known.values())
    for file in {name[0] for name in known}:
        possible = {key(SOURCE / file, m) for m in find_mutants(ast.parse((SOURCE / file).read_text(encoding="utf-8")))}
        stale = [name for name in known if name[0] == file and name not in possible]
        assert not stale, f"no longer in {file}; take it out of tests/mutants.toml: {stale}"
