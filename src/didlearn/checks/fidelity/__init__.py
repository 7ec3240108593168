"""Do generated images, as a set, come near to real ones?"""
