"""Is it the kind of generator whose features concentrate?"""
