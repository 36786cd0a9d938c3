"""Pixels against independent, slow reckonings of the same thing."""

import math

import numpy as np
import pytest

from seqlib import rendering
from seqlib.rendering import KINDS, SUBPIXELS

WORD = 2**32
SUMS = np.arange(4 * 255 + 1, dtype=np.int32)  # of four bytes


def murmur_finalizer(h):
    """MurmurHash3's fmix32 in Python's own unbounded integers."""
    h ^= h >> 16
    h = h * 0x85EBCA6B % WORD
    h ^= h >> 13
    h = h * 0xC2B2AE35 % WORD
    return h ^ h >> 16


def slow_hash(*words):
    h = 0
    for word in words:
        h = murmur_finalizer(((h ^ word) + 0x9E3779B9) % WORD)
    return h


@pytest.mark.parametrize("words", [(0,), (1, 2), (2, 1), (WORD - 1,), (123456789, 0, WORD - 1, 7)])
def test_the_hash_is_the_one_that_is_written_down(words):
    assert int(rendering.hash32(*words)) == slow_hash(*words)


def test_the_hash_broadcasts_and_stays_32_bits():
    hashed = rendering.hash32(5, np.arange(3)[:, None], np.arange(4))
    assert hashed.dtype == np.uint32
    assert hashed.tolist() == [[slow_hash(5, i, j) for j in range(4)] for i in range(3)]


def test_hashing_consecutive_numbers_is_uniform_in_every_byte():
    """2**16 hashes, 256 cells a byte: chi-squared has mean 255 and deviation sqrt(510); five deviations allowed."""
    hashed = rendering.hash32(11, np.arange(2**16))
    for shift in (0, 8, 16, 24):
        counts = np.bincount(hashed >> np.uint32(shift) & np.uint32(255), minlength=256)
        chi_squared = ((counts - 256) ** 2 / 256).sum()
        assert abs(chi_squared - 255) < 5 * math.sqrt(510)


@pytest.mark.parametrize("size", [2, 3, 5, 8, 11, 16])
def test_all_shapes_of_one_size_have_exactly_the_same_area(size):
    areas = [int(rendering.shape_cells(kind, size, 32 * SUBPIXELS).sum()) for kind in range(len(KINDS))]
    assert areas == [(SUBPIXELS * size) ** 2] * 4


@pytest.mark.parametrize("kind", range(len(KINDS)))
@pytest.mark.parametrize(("size", "pixels"), [(8, 20), (8, 33), (3, 32)])
def test_the_middle_of_a_shape_is_the_middle_of_the_canvas(kind, size, pixels):
    """Of its centre of mass, to one subpixel: where the rim takes some of many alike, it takes the upper ones."""
    cells = np.argwhere(rendering.shape_cells(kind, size, pixels * SUBPIXELS))
    assert np.abs(cells.mean(0) - (pixels * SUBPIXELS - 1) / 2).max() < 1


def test_the_square_is_a_square():
    side = 8 * SUBPIXELS
    cells = rendering.shape_cells(KINDS.index("square"), 8, 20 * SUBPIXELS)
    margin = (20 * SUBPIXELS - side) // 2
    expected = np.zeros_like(cells)
    expected[margin : margin + side, margin : margin + side] = True
    assert np.array_equal(cells, expected)


def test_the_disc_is_round():
    cells = rendering.shape_cells(KINDS.index("disc"), 8, 20 * SUBPIXELS)
    y, x = np.indices(cells.shape) - (20 * SUBPIXELS - 1) / 2
    radius = 8 * SUBPIXELS / math.sqrt(math.pi)
    distance = np.hypot(y, x)
    assert cells[distance < radius - 1].all()
    assert not cells[distance > radius + 1].any()


def test_the_triangle_points_up_and_is_equilateral():
    cells = rendering.shape_cells(KINDS.index("triangle"), 8, 20 * SUBPIXELS)
    rows = np.flatnonzero(cells.any(1))
    widths = cells.sum(1)[rows]
    side = math.sqrt(4 / math.sqrt(3)) * 8 * SUBPIXELS  # an equilateral triangle's side, from its area
    assert (np.diff(widths) >= 0).all()
    assert widths[0] <= 3
    assert abs(widths[-1] - side) < 3
    assert abs(len(rows) - side * math.sqrt(3) / 2) < 3


def test_the_cross_has_two_bars_three_times_as_long_as_wide():
    cells = rendering.shape_cells(KINDS.index("cross"), 8, 20 * SUBPIXELS)
    widths, heights = cells.sum(1), cells.sum(0)
    bar = 8 * SUBPIXELS / math.sqrt(5)  # five such squares make the area
    for profile in (widths[widths > 0], heights[heights > 0]):
        assert abs(len(profile) - 3 * bar) < 3
        assert abs(profile.max() - 3 * bar) < 3
        assert abs(profile[0] - bar) < 3
        assert abs(profile[-1] - bar) < 3


@pytest.mark.parametrize(("sizes", "resolution"), [((4, 5), 12), ((6, 6), 13), ((8, 8), 16)])
def test_the_atlas_is_the_supersampled_shape_rolled_and_summed_in_blocks(sizes, resolution):
    atlas = rendering.atlas(sizes, resolution)
    assert atlas.shape == (4, sizes[1] - sizes[0] + 1, SUBPIXELS, SUBPIXELS, 2 * resolution, 2 * resolution)
    for kind in range(len(KINDS)):
        for size in range(sizes[0], sizes[1] + 1):
            cells = rendering.shape_cells(kind, size, resolution * SUBPIXELS)
            for down in range(SUBPIXELS):
                for right in range(SUBPIXELS):
                    rolled = np.roll(cells, (down, right), (0, 1))
                    coverage = rolled.reshape(resolution, SUBPIXELS, resolution, SUBPIXELS).sum((1, 3))
                    assert np.array_equal(atlas[kind, size - sizes[0], down, right], np.tile(coverage, (2, 2)))


def test_the_atlas_cannot_be_spoiled():
    with pytest.raises(ValueError, match="read-only"):
        rendering.atlas((8, 11), 32)[0] = 0


def table_of(**fields):
    """One clip of as many frames as the longest field has."""
    frames = max(len(np.atleast_1d(value)) for value in fields.values())
    full = {"kind": 1, "size": 6, "y": 0, "x": 0, "contrast": 100, "noise": 0} | fields
    columns = {name: np.broadcast_to(np.atleast_1d(value), (frames,))[None] for name, value in full.items()}
    return rendering.FrameTable(**columns)


@pytest.mark.parametrize("resolution", [16, 17])
def test_render_against_a_slow_renderer(resolution):
    """Any place, also far outside the frame, and any contrast, by rolling subpixels and rounding halves up."""
    places = np.random.default_rng(0).integers(-5000, 5000, (40, 2))
    kinds, contrasts = np.arange(40) % 4, np.linspace(1, 127, 40).astype(int)
    table = table_of(kind=kinds, y=places[:, 0], x=places[:, 1], contrast=contrasts)
    clip = rendering.render(table, (5, 7), resolution, 0)[0, ..., 0]
    for frame, kind, (y, x), contrast in zip(clip, kinds, places, contrasts, strict=True):
        cells = rendering.shape_cells(kind, 6, resolution * SUBPIXELS)  # its centre is in the middle of the canvas
        middle = resolution * SUBPIXELS // 2
        cells = np.roll(cells, (y - middle, x - middle), (0, 1))
        coverage = cells.reshape(resolution, SUBPIXELS, resolution, SUBPIXELS).sum((1, 3))
        exact = rendering.BACKGROUND + coverage * int(contrast) / SUBPIXELS**2
        assert np.array_equal(frame, np.floor(exact + 0.5))


def test_noise_is_the_scaled_sum_of_four_hash_bytes():
    keys = np.array([0, 1, 123456789, WORD - 1], np.uint32)
    table = table_of(contrast=0, noise=keys)
    clip = rendering.render(table, (6, 6), 12, 8.0)[0, ..., 0].astype(int)
    for key, frame in zip(keys.tolist(), clip, strict=True):
        words = [murmur_finalizer((key + pixel * 0x9E3779B9) % WORD) for pixel in range(144)]
        total = np.array([sum(word.to_bytes(4, "little")) for word in words])
        exact = rendering.BACKGROUND + (total - 510) * 8 / math.sqrt(4 * (256**2 - 1) / 12)
        assert np.abs(frame.ravel() - exact).max() <= 0.51  # rounded to the nearest grey level


def test_the_largest_noise_reaches_neither_black_nor_white():
    levels = rendering.noise_levels(rendering.MAX_NOISE, SUMS)
    assert rendering.BACKGROUND + int(levels.min()) > 0
    assert rendering.BRIGHTNESS[1] + int(levels.max()) < 255


@pytest.mark.parametrize("noise", [0.5, 2.5, 8, 18])
def test_noise_levels_have_the_stated_deviation_and_no_bias(noise):
    """Over the exact distribution of four bytes' sum; rounding adds at most a twelfth to the variance."""
    byte = np.full(256, 1 / 256)
    chance = np.convolve(np.convolve(byte, byte), np.convolve(byte, byte))
    levels = rendering.noise_levels(noise, SUMS).astype(float)
    mean = (chance * levels).sum()
    variance = (chance * (levels - mean) ** 2).sum()
    assert abs(mean) < 0.01
    assert abs(variance - noise**2) < 0.1 + 0.001 * noise**2


def test_a_permuted_table_moves_whole_frames_noise_included():
    table = table_of(kind=[0, 1, 2, 3], x=[0, 30, 60, 90], contrast=[64, 0, 100, 127], noise=[5, 6, 7, 8])
    order = np.array([[3, 1, 0, 2]])
    moved = rendering.render(table.permuted(order), (6, 6), 16, 8.0)
    assert np.array_equal(moved, rendering.render(table, (6, 6), 16, 8.0)[:, order[0]])
