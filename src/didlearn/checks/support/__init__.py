"""How many different images can the generator make?"""
