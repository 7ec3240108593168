"""Do likelihood and Fréchet distance rank generators alike (Friedman & Weiss 2024)?"""
