"""Alarms: where they begin, what they find, and what one may conclude from few of them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlib import alarms


@given(st.lists(st.booleans(), max_size=200), st.integers(1, 40))
@settings(deadline=None)
def test_an_alarm_begins_after_a_quiet_while_and_all_that_is_above_belongs_to_one(above, apart):
    scores = np.array(above, float)
    begins = alarms.begin(scores, 0.5, apart)
    for begin in begins:
        assert above[begin] and not any(above[max(0, begin - apart + 1) : begin])
    for frame in np.flatnonzero(above):
        if any(above[max(0, frame - apart + 1) : frame]):
            assert frame not in begins
        else:
            assert frame in begins


def test_an_alarm_finds_a_fault_until_a_second_after_its_end():
    for begin, found, false in ((99, 0, 1), (100, 1, 0), (150, 1, 0), (151, 0, 1)):
        counted = alarms.report([begin], [(100, 120)], 1000)
        assert (counted.found.right, counted.false) == (found, false)


def test_two_alarms_may_find_one_fault_and_one_alarm_two():
    counted = alarms.report([105, 140, 500], [(100, 120), (130, 135), (700, 701)], 30 * 3600)
    assert (counted.found.right, counted.found.total, counted.false) == (2, 3, 1)
    assert counted.delays == [5, 10] and counted.hours == 1


def test_no_alarm_and_no_fault_are_counted_too():
    counted = alarms.report([], [], 30 * 3600 * 3)
    assert counted.false == 0 and "0 false alarms in 3 h: 0.00 an hour, 95% interval 0.00 to 1.23" in str(counted)


@given(st.integers(0, 60), st.floats(0.5, 0.999))
@settings(deadline=None, max_examples=50)
def test_the_intervals_ends_are_the_means_with_the_stated_tails(count, level):
    low, high = alarms.poisson_interval(count, level)
    tail = (1 - level) / 2

    def at_most(n, mean):
        return math.fsum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(n + 1))

    assert at_most(count, high) == pytest.approx(tail, rel=1e-6)
    assert low == 0 if count == 0 else 1 - at_most(count - 1, low) == pytest.approx(tail, rel=1e-6)


@pytest.mark.parametrize("count, hours", [(0, 3.0), (1, 4.7)])
def test_one_an_hour_with_95_percent_confidence_takes_three_hours_without_any(count, hours):
    """One-sided, so with 2.5% less at each end of the two-sided interval: a level of 90%."""
    assert round(alarms.poisson_interval(count, 0.9)[1], 1) == hours


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: alarms.begin([[1.0]], 0), "scores must be finite numbers"),
        (lambda: alarms.begin([np.nan], 0), "scores must be finite numbers"),
        (lambda: alarms.begin([1.0], 0, 0), "apart must be an integer of at least 1, not 0"),
        (lambda: alarms.report([], [], 0), "frames must be"),
        (lambda: alarms.poisson_interval(-1), "count must be"),
        (lambda: alarms.poisson_interval(1, 1.5), "level must be"),
    ],
)
def test_what_is_refused_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
