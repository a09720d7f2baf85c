"""Tests, mirroring the three packages; ``tests.oracle`` holds slow, obvious twins of the kernels."""
