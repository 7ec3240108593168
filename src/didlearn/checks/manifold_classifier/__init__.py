"""Does distance from the generator's manifold tell classes and outside images?"""
