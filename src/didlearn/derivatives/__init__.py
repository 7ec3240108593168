"""Gradients, Jacobians and curvature of a decoder, as both engines need them."""
