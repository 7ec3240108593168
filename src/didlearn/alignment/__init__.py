"""Is one picture another one in disguise? Exact pixels moved, cropped, turned, mirrored or re-lit are lined up again.

Nearest neighbours among coarse features of every reference image in several framings propose a few originals for each
query; the affine map and the change of light that best carry each of them into the query are fitted; what does not fit
is the score.
"""

from didlearn.alignment.originals import Originals, find_originals

__all__ = ["Originals", "find_originals"]
