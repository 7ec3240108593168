"""Can the generator make the images it was trained on?"""
