"""Work that is done here and elsewhere, to compare."""

import time

import numpy as np

import fits


def squared(number, seconds=0.0):
    time.sleep(seconds)
    return number * number


def one_study():
    return [fits.load_study("brzosko_2017")]  # of two parameters


def rows_of(fit):
    return [(row["value"], row["evaluations"], tuple(np.asarray(row["x"]).tolist())) for row in fit.rows]
