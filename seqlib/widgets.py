"""Tools with sliders for live notebooks; where no kernel runs, a picture stands in their place."""

from __future__ import annotations

import base64

import ipywidgets
import numpy as np
from numpy.typing import NDArray

from . import rendering, show, tasks
from .tasks import Task

__all__ = ["WIDGET", "Explorer", "explorer"]

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
