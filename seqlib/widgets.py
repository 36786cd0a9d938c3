"""Tools with sliders for live notebooks; where no kernel runs, a picture stands in their place."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence

import ipywidgets
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from . import alarms, rendering, show, tasks
from .tasks import Task

__all__ = ["WIDGET", "Explorer", "Watching", "explorer", "watching"]

WIDGET = "application/vnd.jupyter.widget-view+json"


def explorer(task: str | Task = "direction") -> Explorer:
    """Look at clips of any task, or at twin sets of any kind, frame by frame.

    Parameters
    ----------
    task : str or Task
        The task to begin with, one of `TASKS`.

    Returns
    -------
    Explorer
        Shows itself: as sliders and a picture in Jupyter and on Colab, as a film strip on a page.

    Raises
    ------
    TypeError
        If ``task`` is neither a str nor a `Task`.
    ValueError
        If `TASKS` has no task of that name.

    Examples
    --------
    >>> tool = explorer("order")
    >>> tool.twins.value = "swap"
    >>> tool.caption.value
    'frame 0. disc first: blank, 1 frame | cross first: blank, 1 frame'
    """
    return Explorer(task)


class Explorer:
    """What `explorer` returns; its controls are ipywidgets: task, twins, seed, noise, frame, picture, caption."""

    task: ipywidgets.Dropdown
    twins: ipywidgets.Dropdown
    seed: ipywidgets.BoundedIntText
    noise: ipywidgets.IntSlider
    frame: ipywidgets.IntSlider
    play: ipywidgets.Play
    picture: ipywidgets.Image
    caption: ipywidgets.Label
    box: ipywidgets.HBox
    clips: NDArray[np.uint8]
    names: list[str]

    def __init__(self, task: str | Task) -> None:
        task = tasks.find(task)
        self.task = ipywidgets.Dropdown(options=list(tasks.TASKS), value=task.name, description="task")
        self.twins = ipywidgets.Dropdown(options=["none", *task.twins], description="twins")
        self.seed = ipywidgets.BoundedIntText(min=0, max=9999, description="seed")
        self.noise = ipywidgets.IntSlider(min=0, max=rendering.MAX_NOISE, description="noise")
        self.frame = ipywidgets.IntSlider(min=0, max=tasks.DEFAULTS["frames"] - 1, description="frame")
        self.play = ipywidgets.Play(min=0, max=self.frame.max, interval=125)
        self.picture = ipywidgets.Image(format="png")
        self.caption = ipywidgets.Label()
        self.noise.value = tasks.DEFAULTS["noise"]
        ipywidgets.jslink((self.play, "value"), (self.frame, "value"))
        controls = ipywidgets.VBox([self.task, self.twins, self.seed, self.noise])
        view = ipywidgets.VBox([self.picture, ipywidgets.HBox([self.play, self.frame]), self.caption])
        self.box = ipywidgets.HBox([controls, view])

        self.task.observe(self._offer_twins, "value")
        for control in (self.task, self.twins, self.seed, self.noise):
            control.observe(self._draw_clips, "value")
        self.frame.observe(self._show_frame, "value")
        self._draw_clips()

    def _offer_twins(self, change):
        self.twins.options = ["none", *tasks.TASKS[self.task.value].twins]

    def _draw_clips(self, change=None):
        task = tasks.TASKS[self.task.value]
        options = {"n": 1, "seed": self.seed.value, "noise": self.noise.value}
        if self.twins.value == "none":
            self.clips, labels = tasks.clips(task, **options)
        else:
            x, y = tasks.twins(task, self.twins.value, **options)
            self.clips, labels = x[:, 0], y[:, 0]
        self.names = [task.classes[label] for label in labels]
        self._show_frame()

    def _show_frame(self, change=None):
        t = self.frame.value
        self.picture.value = show.png(show.frame_image(self.clips, self.names, t, scale=5))
        seen = zip(self.names, self.clips[:, t : t + 1], strict=True)
        self.caption.value = f"frame {t}. " + " | ".join(f"{name}: {show.describe(clip)}" for name, clip in seen)

    def _repr_mimebundle_(self, **kwargs):
        """Offer the sliders and, for where they cannot work, a film strip of what they show now."""
        strip = show.film_strip(self.clips, self.names)
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        data = {WIDGET: view, "image/png": base64.b64encode(strip.data).decode(), "text/plain": strip.metadata["alt"]}
        return data, {"image/png": strip.metadata | {"width": strip.width}}


def watching(
    frames: NDArray[np.uint8],
    watchers: Mapping[str, tuple[ArrayLike, float]],
    events: Sequence[tuple[str, int, int]] = (),
    *,
    rate: float = 30,
) -> Watching:
    """Play a film and what watchers say of it: score and threshold up to the present frame, alarm, and delay.

    Parameters
    ----------
    frames : uint8 array (N, H, W, C)
    watchers : mapping from str to (float array (N,), float)
        For each watcher's name, its scores, one per frame, and its threshold.
    events : sequence of (str, int, int)
        The faults: name, first and last frame, as in `seqlib.machine.Run.events`.
    rate : float
        Frames per second.

    Returns
    -------
    Watching
        Shows itself: it plays in Jupyter and on Colab, and is the picture of `seqlib.show.watching` on a page.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above; a watcher's scores must be as many as the frames.

    Examples
    --------
    >>> frames = np.zeros((90, 32, 32, 1), np.uint8)
    >>> view = watching(frames, {"CNN + GRU": (np.arange(90) >= 42, 0.5)}, [("press late", 40, 60)])
    >>> view.frame.value = 43
    >>> [caption.value for caption in view.captions]
    ['frame 43, 1.4 s: press late, begun 3 frames ago', 'CNN + GRU: alarm after 2 frames']
    """
    return Watching(frames, watchers, events, rate)


class Watching:
    """What `watching` returns; its controls are ipywidgets: play and frame; picture, curves and captions follow."""

    frame: ipywidgets.IntSlider
    play: ipywidgets.Play
    picture: ipywidgets.Image
    curves: ipywidgets.Image
    captions: list[ipywidgets.Label]
    box: ipywidgets.VBox

    def __init__(
        self,
        frames: NDArray[np.uint8],
        watchers: Mapping[str, tuple[ArrayLike, float]],
        events: Sequence[tuple[str, int, int]],
        rate: float,
    ) -> None:
        self.still = show.watching(frames, watchers, events, rate=rate)
        self.frames, self.events, self.rate = frames, list(events), rate
        spans = [(first, last) for _, first, last in events]
        self.states = {name: alarms.states(*given, spans, rate=rate) for name, given in watchers.items()}
        drawn = Image.open(io.BytesIO(self.still.data)).convert("L")  # grey, as it is sent again with each frame
        self._drawn = drawn.reduce(max(1, round(drawn.width / self.still.width)))
        self.frame = ipywidgets.IntSlider(max=len(frames) - 1, description="frame")
        self.play = ipywidgets.Play(max=self.frame.max, interval=max(1, round(1000 / rate)))
        ipywidgets.jslink((self.play, "value"), (self.frame, "value"))
        self.picture = ipywidgets.Image(format="png", layout={"object_fit": "contain", "width": "160px"})
        self.curves = ipywidgets.Image(format="png", layout={"max_width": "100%"}, width=self.still.width)
        self.captions = [ipywidgets.Label() for _ in range(1 + len(self.states))]
        now = ipywidgets.HBox([self.picture, ipywidgets.VBox(self.captions)])
        self.box = ipywidgets.VBox([now, self.curves, ipywidgets.HBox([self.play, self.frame])])
        self.frame.observe(self._show_frame, "value")
        self._show_frame()

    def _show_frame(self, change=None):
        t = self.frame.value
        self.picture.value = show.png(show.frame_image(self.frames[None], [""], t, 160 / self.frames.shape[2]))
        begin, end = (share * self._drawn.width for share in show.ACROSS)
        now = round(begin + (end - begin) * (t + 1) / len(self.frames))
        seen = self._drawn.copy()
        seen.paste(255, (now, 0, seen.width, seen.height))
        self.curves.value = show.png(seen)
        faults = [
            f"{fault}, begun {t - first} frame{'s' * (t - first != 1)} ago"
            for fault, first, last in self.events
            if first <= t <= last
        ]
        at = f"frame {t}, {t / self.rate:.1f} s: {' and '.join(faults) or 'no fault'}"
        words = (next(words for frame, words in said[::-1] if frame <= t) for said in self.states.values())
        for caption, text in zip(self.captions, [at, *map("{}: {}".format, self.states, words)], strict=True):
            caption.value = text

    def _repr_mimebundle_(self, **kwargs):
        """Offer the player and, for where it cannot work, the picture of the whole film."""
        data, metadata = self.still._repr_mimebundle_()
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        return data | {WIDGET: view, "text/plain": repr(self.still)}, metadata
