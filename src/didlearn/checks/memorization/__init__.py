"""Does the generator copy its training set?"""
