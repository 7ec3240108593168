"""Does the generator find real images likely?"""
