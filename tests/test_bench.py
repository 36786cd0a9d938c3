"""How contestants are compared, and that the page shows the whole record; nothing here is timed."""

import doctest
import json
import sys
import tomllib
from collections import Counter

import pytest

from benchmarks import __main__ as bench
from benchmarks import compare
from tests.test_book import soup, words
from tools.notebooks import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import how_fast

RECORD = json.loads((ROOT / how_fast.RECORD).read_text("utf-8"))
ROWS = [(group, row) for group, stored in RECORD["groups"].items() for row in stored["rows"]]
MISSES = tomllib.loads((ROOT / how_fast.MISSES).read_text("utf-8"))["miss"]


class Clock:
    """Seconds that only calls of a contestant let pass."""

    def __init__(self):
        self.now, self.calls = 0.0, []

    def __call__(self):
        return self.now

    def contestant(self, name, seconds):
        def call():
            self.now += seconds
            self.calls.append(name)

        return call


@pytest.mark.parametrize("module", [compare, how_fast], ids=lambda module: module.__name__)
def test_the_examples_are_right(module):
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0


def test_every_round_calls_each_once_in_an_order_that_changes():
    clock = Clock()
    names = "abcd"
    taken = compare.interleaved({n: clock.contestant(n, 1) for n in names}, 40, at_least=0, clock=clock)
    assert taken == {n: [1.0] * 40 for n in names}
    counted = clock.calls[len(names) :]  # each warms up first
    rounds = [tuple(counted[i : i + 4]) for i in range(0, len(counted), 4)]
    assert len(rounds) == 40 and all(sorted(order) == list(names) for order in rounds)
    assert len(set(rounds)) > 10
    assert set(Counter(order[0] for order in rounds)) == set(names)


def test_without_warming_up_the_first_call_counts():
    clock = Clock()
    taken = compare.interleaved({"a": clock.contestant("a", 1)}, 2, at_least=0, warm_up=False, clock=clock)
    assert taken == {"a": [1.0, 1.0]} and clock.calls == ["a", "a"]


def test_the_orders_repeat_with_a_seed():
    def orders(seed):
        clock = Clock()
        compare.interleaved({n: clock.contestant(n, 1) for n in "abcd"}, 9, at_least=0, seed=seed, clock=clock)
        return clock.calls

    assert orders(1) == orders(1) != orders(2)


def test_what_is_short_is_called_several_times_in_a_round_and_counts_once():
    clock = Clock()
    contestants = {"short": clock.contestant("short", 0.25), "long": clock.contestant("long", 2)}
    taken = compare.interleaved(contestants, 3, at_least=1, clock=clock)
    assert taken == {"short": [0.25] * 3, "long": [2.0] * 3}
    assert Counter(clock.calls) == {"short": 2 + 3 * 4, "long": 2 + 3}


def test_a_ratio_is_that_of_each_round_and_of_the_fastest_way():
    taken = {
        "course": [1.0, 2.0, 3.0],
        "other, slow": [9.0, 9.0, 9.0],
        "other, fast": [2.0, 2.0, 2.0],
        "third": [1.0] * 3,
    }
    row = compare.row("name", taken, "course", {"other": 1.0, "third": 1.5})
    assert [(one["who"], one["best"]) for one in row["against"]] == [("other", "other, fast"), ("third", "third")]
    assert [one["ratio"] for one in row["against"]] == [[0.75, 1.0, 1.25], [1.5, 2.0, 2.5]]
    assert [one["who"] for one in filter(how_fast.misses_goal, row["against"])] == ["third"]
    assert row["seconds"]["course"] == [1.5, 2.0, 2.5]


def test_a_slow_minute_of_the_machine_leaves_the_ratio_as_it_is():
    slow = [1, 1, 10, 1, 7]
    taken = {"course": [2.0 * factor for factor in slow], "other": [4.0 * factor for factor in slow]}
    (one,) = compare.row("name", taken, "course", {"other": None})["against"]
    assert one["ratio"] == [0.5, 0.5, 0.5]


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """Run ``python -m benchmarks`` with groups that need no time; return what the record then holds."""
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    monkeypatch.setattr(bench, "PEERS", ())
    runs = []

    def run(group):
        runs.append(group)
        return [{"row": f"{group}, run {len(runs)}"}]

    monkeypatch.setattr(bench, "run", run)

    def start(*groups, quick=False):
        monkeypatch.setenv("QUICK", "1" if quick else "")
        monkeypatch.setattr(sys, "argv", ["benchmarks", *groups])
        bench.main()
        return json.loads((tmp_path / bench.RECORD).read_text("utf-8"))

    return start


def test_a_group_is_measured_anew_and_the_others_stay(measured):
    assert list(measured()["groups"]) == list(bench.GROUPS)
    again = measured("drawing")["groups"]
    assert again["drawing"]["rows"] == [{"row": f"drawing, run {len(bench.GROUPS) + 1}"}]
    assert list(again) == list(bench.GROUPS) and again["steps"]["rows"] == [{"row": "steps, run 1"}]


def test_a_quick_run_has_three_groups_and_does_not_mix_with_a_whole_one(measured):
    measured()
    quick = measured(quick=True)
    assert quick["quick"] and len(quick["groups"]) == 3 and set(quick["groups"]) < set(bench.GROUPS)
    assert list(measured("video")["groups"]) == ["video"]


def test_a_group_that_is_none_is_refused(measured, capsys):
    with pytest.raises(SystemExit):
        measured("speed")
    assert "GROUP must be one of steps, " in capsys.readouterr().err


def test_the_record_is_not_of_a_quick_run_and_the_page_asks_for_each_group():
    assert not RECORD["quick"] and list(RECORD["groups"]) == [
        group for group in bench.GROUPS if group in RECORD["groups"]
    ]
    page = (ROOT / "book" / "how_fast.md").read_text("utf-8")
    assert all(page.count(f"```{{how-fast}} {group}\n") == 1 for group in bench.GROUPS)


@pytest.mark.parametrize(("group", "row"), ROWS, ids=str)
def test_each_miss_of_the_record_is_explained(group, row):
    how_fast.explained(group, [row], MISSES)


def test_a_miss_without_an_explanation_stops_the_book():
    row = compare.row("new", {"course": [3.0, 3.0], "other": [1.0, 1.0]}, "course", {"other": 1.0})
    with pytest.raises(LookupError, match="'new' misses against 'other'"):
        how_fast.explained("steps", [row], MISSES)
    why = [{"group": "steps", "rows": ["new"], "against": ["other"], "why": "It waits\nfor a bus."}]
    assert how_fast.explained("steps", [row], why) == ["- It waits for a bus."]
    assert how_fast.explained("counting", [], why) == []


def test_an_explanation_is_of_something_that_is_measured():
    known = {(group, row["row"], one["who"]) for group, row in ROWS for one in row["against"]}
    explained = {(miss["group"], row, who) for miss in MISSES for row in miss["rows"] for who in miss["against"]}
    assert explained <= known


def test_an_exponent_is_that_of_a_power():
    points = [
        {"frames": frames, "size": size, "batch": 8, "memory": 5 * frames, "step": [0, frames**0.5 * size**2, 0]}
        for frames, size in [(8, 32), (32, 32), (128, 32), (32, 16), (32, 64)]
    ]
    assert how_fast.exponent(points, "frames", "step") == pytest.approx(0.5)
    assert how_fast.exponent(points, "size", "step") == pytest.approx(2)
    assert how_fast.exponent(points, "frames", "memory") == pytest.approx(1)


def test_what_was_not_measured_is_left_out_of_an_exponent():
    points = [{"frames": 8, "size": 32, "batch": batch, "memory": 7 * batch} for batch in (8, 32)]
    points.append({"frames": 8, "size": 32, "batch": 1, "memory": None})
    assert how_fast.along(points, "batch", "memory") == ([8, 32], [56, 224])


def test_the_page_shows_every_row_and_every_ratio(book):
    page = soup(book, "book/how_fast")
    shown = {tuple(words(cell.get_text()) for cell in row.select("td")) for row in page.select("table tbody tr")}
    for group, row in ROWS:
        for one in row["against"]:
            assert any(
                cells[0] == row["row"] and cells[2] == one["best"] and cells[4] == how_fast.ratio(one["ratio"])
                for cells in shown
                if len(cells) == 6
            ), (group, row["row"], one["who"])
    assert list(RECORD["groups"]) == list(bench.GROUPS)
    assert {row["row"] for row in RECORD["groups"]["growth"]["rows"]} <= {cells[0] for cells in shown}
    (figure,) = page.select("figure img.in-light")
    assert "logarithmic" in figure["alt"]
