import io

import nbformat
import numpy as np
import pytest
from PIL import Image

import seqlib
from seqlib import show, widgets
from tools import notebooks


def test_the_explorer_shows_what_its_controls_say():
    tool = widgets.explorer("direction")
    assert tool.twins.options == ("none", "middle", "reverse", "shift")
    seen = {bytes(tool.picture.value)}
    for control, value in (
        (tool.frame, 5),
        (tool.seed, 3),
        (tool.noise, 0),
        (tool.twins, "middle"),
        (tool.task, "order"),
        (tool.twins, "swap"),
    ):
        control.value = value
        picture = bytes(tool.picture.value)
        assert picture.startswith(b"\x89PNG") and picture not in seen, control.description
        seen.add(picture)
    assert tool.twins.options == ("none", "swap", "shift")
    assert tool.names == ["disc first", "cross first"] or tool.names == ["cross first", "disc first"]
    assert tool.caption.value.startswith("frame 5. ")


@pytest.mark.parametrize("task", seqlib.TASKS)
def test_every_task_and_kind_can_be_looked_at(task):
    tool = widgets.explorer(task)
    for kind in tool.twins.options:
        tool.twins.value = kind
        assert len(tool.names) == len(tool.clips)


def test_an_unknown_task_is_named():
    with pytest.raises(ValueError, match=r"task must be one of 'shape', .*, not 'colour'"):
        widgets.explorer("colour")


FILM = np.random.default_rng(0).integers(60, 200, (90, 32, 32, 1), np.uint8)
WATCHED = {"late": (np.arange(90) >= 45, 0.5), "blind": (np.zeros(90), 0.5)}
EVENTS = [("press late", 40, 50)]


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(bytes(picture))).convert("L"))


def test_a_live_view_shows_the_past_and_not_the_future():
    view = widgets.watching(FILM, WATCHED, EVENTS)
    whole = Image.open(io.BytesIO(view.still.data)).convert("L")
    still = np.asarray(whole.reduce(whole.width // view.still.width))
    for frame, fault, late, blind in [
        (39, "no fault", "no alarm", "no alarm"),
        (44, "press late, begun 4 frames ago", "no alarm", "no alarm"),
        (45, "press late, begun 5 frames ago", "alarm after 5 frames", "no alarm"),
        (81, "no fault", "alarm after 5 frames", "missed"),
    ]:
        view.frame.value = frame
        words = [caption.value for caption in view.captions]
        assert words == [f"frame {frame}, {frame / 30:.1f} s: {fault}", f"late: {late}", f"blind: {blind}"]
        seen, (begin, end) = pixels(view.curves.value), (share * still.shape[1] for share in show.ACROSS)
        now = round(begin + (end - begin) * (frame + 1) / 90)
        assert np.array_equal(seen[:, :now], still[:, :now])
        assert (seen[:, now:] == 255).all() and (still[:, now:] < 128).any()
        assert np.array_equal(pixels(view.picture.value)[2::5, 2::5], FILM[frame, ..., 0])


@pytest.mark.parametrize(
    "changes, problem",
    [
        ({"watchers": {}}, "watchers must hold at least one"),
        ({"watchers": {"a": (np.zeros(89), 0.5)}}, "scores of 'a' must be 90, one per frame, not of shape .89,."),
        ({"events": [("drift", 80, 90)]}, "events must lie in frames 0 to 89, not 'drift' in 80 to 90"),
        ({"frames": FILM[0]}, "frames must"),
    ],
)
def test_a_live_view_refuses_what_does_not_belong_to_its_film_by_name(changes, problem):
    with pytest.raises(ValueError, match=problem):
        widgets.watching(**{"frames": FILM, "watchers": WATCHED, "events": EVENTS} | changes)


@pytest.mark.slow
def test_where_no_kernel_runs_a_picture_stands_in(tmp_path):
    """Live, both are offered, and a notebook takes the sliders; what is stored is the picture, with its text."""
    codes = [
        "from seqlib import widgets\n\nwidgets.explorer('shape')",
        "import numpy as np\n\nfilm = np.full((9, 8, 8, 1), 64, 'uint8')\nwidgets.watching(film, {'a': (range(9), 3)})",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in codes])
    notebooks.execute(notebook, tmp_path)
    film = np.full((9, 8, 8, 1), 64, np.uint8)
    tools = widgets.explorer("shape"), widgets.watching(film, {"a": (range(9), 3)})
    for tool, cell in zip(tools, notebook.cells, strict=True):
        data, metadata = tool._repr_mimebundle_()
        assert {widgets.WIDGET, "image/png", "text/plain"} == set(data) - {"image/svg+xml"}
        (output,) = cell.outputs
        assert set(output.data) == set(data) - {widgets.WIDGET}
        assert output.metadata["image/png"]["alt"] == metadata["image/png"]["alt"] == cell.metadata.mystnb.image.alt
    assert "widgets" not in notebook.metadata
