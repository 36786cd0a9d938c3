"""Lesson 5's video transformer: without positions it sees a bag of tubelets, on both sides of each condition."""

from pathlib import Path

import numpy as np
import pytest

import seqlib
from seqlib import measure
from tools import notebooks

LESSON = Path(__file__).resolve().parents[1] / "notebooks" / "05_temporal_pooling.ipynb"
SHAPE = (16, 16, 16, 1)
ROUNDING = 1e-5  # sums in another order
WHOLE = {"resolution": 16, "size": 8, "block": 4, "gap": 4, "onset": 2}
QUIET = WHOLE | {"noise": 0, "onset": 1}


@pytest.fixture(scope="module")
def lesson():
    return notebooks.definitions(LESSON)


def random_model(lesson, positions):
    """The model with weights that are all random, as training would leave them."""
    model = lesson["video_transformer"](2, SHAPE, positions=positions)
    generator = np.random.default_rng(0)
    model.set_weights([w + 0.1 * generator.standard_normal(w.shape) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("positions", [False, True])
def test_it_sees_which_tubelets_there_are_and_where_only_with_positions(lesson, positions):
    model = random_model(lesson, positions)
    clips, _ = seqlib.clips("order", 50, 7, **WHOLE)
    tubelets = lesson["to_tubelets"](clips)
    assert np.array_equal(lesson["to_clips"](tubelets), clips)
    mixed = lesson["to_clips"](tubelets[:, np.random.default_rng(1).permutation(32)])
    differ = np.abs(measure.logits(model, mixed) - measure.logits(model, clips)).max()
    assert differ > 100 * ROUNDING if positions else differ <= ROUNDING


@pytest.mark.parametrize(
    ("options", "same"),
    [
        (WHOLE, True),
        (WHOLE | {"block": 2, "gap": 6}, True),
        (WHOLE | {"onset": 1}, False),  # the rest of a cut tubelet has noise of its own
        (WHOLE | {"gap": 5}, False),
        (QUIET, True),
        (QUIET | {"block": 3, "gap": 5}, True),
        (QUIET | {"gap": 5}, False),  # the swap moves frames by 9
    ],
    ids=str,
)
def test_swapped_blocks_are_the_same_tubelets_under_either_condition(lesson, options, same):
    twins = seqlib.twins("order", "swap", 50, 7, **options)
    report = measure.twin_agreement(random_model(lesson, False), *twins)
    if same:
        assert report.largest_difference <= ROUNDING
        assert report.same_answer >= report.sets - report.close_calls
    else:
        assert report.largest_difference > 100 * ROUNDING
    assert measure.twin_agreement(random_model(lesson, True), *twins).largest_difference > 100 * ROUNDING
