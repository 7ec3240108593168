"""May features of generated images be treated as Gaussian?"""
