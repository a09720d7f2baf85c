"""Hypothesis draws the same examples in every run, and never fails because a machine is slow."""

from hypothesis import settings

settings.register_profile("reproducible", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("reproducible")
