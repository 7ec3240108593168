"""Checks run one after another, each as hard as the time allows, what an earlier run left taken over."""
