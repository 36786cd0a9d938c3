"""The live view of chapter 8: what is stored, what follows from it, and how it plays."""

import base64
import io
import json
import sys

import numpy as np
import pytest
from bs4 import BeautifulSoup
from pages import opened
from PIL import Image
from playwright.sync_api import expect

from seqlib import alarms, machine
from tools import live_scores as tool
from tools import study
from tools.notebooks import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import live_view as directive


@pytest.fixture(scope="module")
def view():
    """What the page shows: the run without noise, and each watcher's scores and threshold."""
    return directive.read(ROOT / directive.RESULTS)


def spans(run):
    return [event[1:] for event in run.events]


def test_the_scores_are_about_the_frames_that_the_machine_draws():
    stored = study.read(tool.PATH)
    assert stored["made"]["frames"] == tool.digest(tool.film().frames)
    assert [run["watcher"] for run in stored["runs"]] == tool.WATCHERS
    planned = json.loads(json.dumps({"film": tool.FILM, "training": tool.BUDGET}))
    assert {name: stored["made"][name] for name in planned} == planned


def test_the_page_shows_these_frames_without_their_noise(view):
    page = BeautifulSoup(directive.write(*view), "html.parser").select_one("[data-cells]")
    strip = np.asarray(Image.open(io.BytesIO(base64.b64decode(page["data-strip"].partition(",")[2]))).convert("L"))
    shown = [strip[:, 33 * cell : 33 * cell + 32] for cell in json.loads(page["data-cells"])]
    film = tool.film(noise=0)
    assert np.array_equal(np.stack(shown)[..., None], film.frames)
    assert view[0].events == film.events


def test_what_the_page_says_follows_from_the_scores(view):
    """An exchange of steps is seen by the network that reads frames in order alone, a turned part by all."""
    run, watchers = view
    page = BeautifulSoup(directive.write(run, watchers), "html.parser")
    _, *states = [json.loads(text["data-states"]) for text in page.select("[data-states]")]
    for (name, (scores, threshold)), said in zip(watchers.items(), states, strict=True):
        begins = alarms.begin(scores, threshold)
        report = alarms.report(begins, spans(run), len(run.frames))
        assert (report.found.right, report.false) == ({"CNN + GRU": 2}.get(name, 1), 0), name
        assert [frame for frame, words in said if words.startswith("alarm")] == begins.tolist()
        assert ("missed" in [words for _, words in said]) == (report.found.right < report.found.total)


def test_states_agree_with_the_report():
    scores = np.zeros(900)
    scores[[50, 105, 110, 112, 400, 700]] = 1
    events = [(100, 120), (300, 310), (650, 690)]
    report = alarms.report(alarms.begin(scores, 0.5), events, len(scores))
    states = alarms.states(scores, 0.5, events)
    assert states == [
        (0, "no alarm"),
        (50, "false alarm"),
        (80, "no alarm"),
        (105, "alarm after 5 frames"),
        (142, "no alarm"),
        (341, "missed"),
        (400, "false alarm"),
        (430, "no alarm"),
        (700, "alarm after 50 frames"),
        (730, "no alarm"),
    ]
    assert (report.delays, report.false) == ([5, 50], 2)


def test_it_plays_in_real_time_and_says_each_alarm_when_it_comes(browser, view, tmp_path):
    run, watchers = view
    scripts = "".join(
        f"<script defer src='{(ROOT / 'book/_static' / name).as_uri()}'></script>"
        for name in ("player.js", "live_view.js")
    )
    figure = f"<figure class='clip-live'>{directive.write(run, watchers)}</div></figure>"
    (tmp_path / "page.html").write_text(f"<!doctype html><title>Live</title>{figure}{scripts}", "utf-8")
    with opened(browser, (tmp_path / "page.html").as_uri(), clock=True) as page:
        slider, said = page.get_by_role("slider", name="frame"), page.get_by_role("status")
        expect(page.locator(".clip-readout")).to_contain_text(f"{len(run.frames) - 1}, 0.0 s")
        page.get_by_role("button", name="Play").click()
        page.clock.run_for(1000)
        frame = int(slider.input_value())
        assert abs(frame - machine.RATE) <= 1
        page.keyboard.press("Space")
        pixels = page.locator("canvas").evaluate("it => [...it.getContext('2d').getImageData(0, 0, 32, 32).data]")
        assert np.array_equal(np.reshape(pixels, (32, 32, 4))[..., :1], run.frames[frame])
        scores, threshold = watchers["CNN + GRU"]
        alarm = int(alarms.begin(scores, threshold)[0])
        slider.fill(str(alarm - 1))
        expect(said.last).to_have_text("no alarm")
        page.keyboard.press("ArrowRight")
        expect(said.last).to_have_text(f"alarm after {alarm - run.events[0].first} frames")
        expect(said.first).to_have_text("fault: steps exchanged")
        future = page.locator("[style*='--now']").evaluate("it => Number(it.style.getPropertyValue('--now'))")
        assert future == pytest.approx((alarm + 1) / len(run.frames))
