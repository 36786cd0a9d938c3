import nbformat
import pytest

import seqlib
from seqlib import widgets
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


@pytest.mark.slow
def test_where_no_kernel_runs_a_picture_stands_in(tmp_path):
    """Live, both are offered, and a notebook takes the sliders; what is stored is the picture, with its text."""
    data, metadata = widgets.explorer("shape")._repr_mimebundle_()
    assert {widgets.WIDGET, "image/png", "text/plain"} == set(data)
    code = "from seqlib import widgets\n\nwidgets.explorer('shape')"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    notebooks.execute(notebook, tmp_path)
    (output,) = notebook.cells[0].outputs
    assert set(output.data) == {"image/png", "text/plain"}
    assert (
        output.metadata["image/png"]["alt"]
        == metadata["image/png"]["alt"]
        == notebook.cells[0].metadata.mystnb.image.alt
    )
    assert "widgets" not in notebook.metadata
