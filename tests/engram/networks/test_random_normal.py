"""Normal deviates: published test vectors, the normal law, independence, and equal bits however they are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from engram.networks.random_normal import fill_normals, key, normal_deviates, normals_of, one_normal, philox

U = np.uint64
ONES = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("counter", "words", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ONES,) * 4, (ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_published_answers(counter, words, expected):
    """Known answers of Philox-4x32-10, Salmon et al. 2011, doi:10.1145/2063384.2063405."""
    assert philox(*map(U, counter), *map(U, words)) == expected


def box_muller(a: int, b: int) -> tuple[float, float]:
    """The same transformation with NumPy's functions."""
    u = ((a << 8 | b & 255) + 0.5) / 2**40
    angle = b >> 8
    turn = ((angle & 0x3FFFFF) - 2097151.5) * (np.pi / 2 / 2**22)
    r = np.sqrt(-2 * np.log(u))
    cosine, sine = r * np.cos(turn) * (-1 if angle >> 22 & 1 else 1), r * np.sin(turn)
    return (sine, cosine) if angle >> 23 else (cosine, sine)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**62), st.integers(0, 2**31))
def test_deviates_are_box_muller_of_the_random_words(seed, stream, step, block):
    counter = (U(block), U(stream), U(step & ONES), U(step >> 32))
    a, b, c, d = (int(word) for word in philox(*counter, *key(seed)))
    expected = [*box_muller(a, b), *box_muller(c, d)]
    out = np.empty(4)
    fill_normals(out, block, 1, *key(seed), stream, step)
    assert out == pytest.approx(expected, rel=1e-10, abs=1e-10)
    assert [one_normal(4 * block + lane, *key(seed), stream, step) for lane in range(4)] == out.tolist()


@given(st.lists(st.integers(0, 2**33), min_size=1, max_size=40), st.integers(0, 2**64 - 1), st.integers(0, 2**40))
def test_scattered_deviates_have_the_same_bits(indices, seed, step):
    out = np.full(50, np.nan)
    normals_of(np.array(indices), len(indices), out, *key(seed), 7, step)
    assert out[: len(indices)].tolist() == [one_normal(index, *key(seed), 7, step) for index in indices]
    assert np.isnan(out[len(indices) :]).all()


def test_law_is_normal_by_scipys_tests():
    x = normal_deviates(4_000_000, seed=11, step=3)
    assert stats.kstest(x, "norm").pvalue > 1e-3
    assert stats.cramervonmises(x[:200_000], "norm").pvalue > 1e-3
    edges = stats.norm.ppf(np.linspace(0, 1, 1001))
    assert stats.chisquare(np.histogram(x, edges)[0]).pvalue > 1e-3
    assert abs(x.mean()) < 4 / np.sqrt(x.size)
    assert abs(stats.kurtosis(x)) < 4 * np.sqrt(24 / x.size)
    tails = int((np.abs(x) > 4.0).sum())
    assert stats.binomtest(tails, x.size, 2 * stats.norm.sf(4.0)).pvalue > 1e-3


def test_neighbouring_seeds_streams_steps_lanes_and_blocks_are_independent():
    size = 400_000
    base = normal_deviates(size, seed=1, stream=1, step=1)
    others = [
        normal_deviates(size, seed=2, stream=1, step=1),
        normal_deviates(size, seed=1 + 2**32, stream=1, step=1),
        normal_deviates(size, seed=1, stream=2, step=1),
        normal_deviates(size, seed=1, stream=1, step=2),
        normal_deviates(size, seed=1, stream=1, step=1 + 2**32),
    ]
    pairs = [(base, other) for other in others]
    pairs += [(base[:-lag], base[lag:]) for lag in (1, 2, 3, 4, 5, 8)]
    for first, second in pairs:
        assert stats.pearsonr(first, second).pvalue > 1e-4
        assert stats.pearsonr(first**2, second**2).pvalue > 1e-4


def test_one_neuron_over_many_steps_is_normal_and_uncorrelated():
    series = np.array([normal_deviates(8, seed=5, stream=3, step=step)[5] for step in range(20_000)])
    assert stats.kstest(series, "norm").pvalue > 1e-3
    assert stats.pearsonr(series[:-1], series[1:]).pvalue > 1e-3


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, True])
def test_a_seed_that_is_no_64_bit_number_is_refused(seed):
    with pytest.raises(ValueError, match="must be a whole number from 0"):
        normal_deviates(1, seed=seed)
