"""Peak memory beyond the input, in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """
import numpy as np
from tests.peak import peak
from didlearn.neighbors import closest_pairs, count_within, near_duplicates, nearest

rng = np.random.default_rng(0)
x = rng.normal(size=(9000, 1536)).astype(np.float32)
if {kind!r} == "modes":
    x[:] = x[rng.integers(0, 4, 9000)] + np.float32(1e-3) * x
near_duplicates(x[:64].copy(), 1.0)
before = peak()
{call}
print((peak() - before) * 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="shared libraries count differently elsewhere")
@pytest.mark.parametrize("kind", ["noise", "modes"])
@pytest.mark.parametrize(
    "call", ["closest_pairs(x)", "nearest(x[:4500], x[4500:])", "near_duplicates(x, 0.1)", "count_within(x, [0.1, 60])"]
)
@pytest.mark.slow
def test_peak_memory_is_bounded_by_the_block(kind, call):
    program = PROGRAM.format(kind=kind, call=call)
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT)
    assert float(done.stdout) < 300
