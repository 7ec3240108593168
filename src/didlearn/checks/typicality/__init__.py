"""Are real images typical of the generator?"""
