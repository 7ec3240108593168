"""Did the generative model learn its distribution?"""

__version__ = "0.1.0"
