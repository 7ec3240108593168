"""The networks and the telltale pickle of the models' tests: what is exported is opened as a model."""

from tests.models.conftest import bomb, conv_net, marker, rng

__all__ = ["bomb", "conv_net", "marker", "rng"]
