"""Right and wrong functions, in the many forms that students give them, and what else stands in their notebooks."""

from .cases import A1, A2, case
from .notebook import after, as_file, before, code, edit, exchange, source, text, write

SIDES = {"(missing, 0)": "(0, missing)", "(t - 1, 0)": "(0, t - 1)", "(ahead, 0)": "(0, ahead)"}
SIDES |= {right: left for left, right in SIDES.items()}


def returning(notebook, question, new):
    """Change what a solution returns; ``{}`` stands for what it returned."""
    name = question.replace("_", "-") + "-answer"
    first, last = source(notebook, name).rsplit("    return ", 1)
    return write(notebook, name, f"{first}    return {new.format(last)}")


def body(notebook, name, new):
    """Keep signature and docstring, and write something else below them."""
    start, docstring, _ = source(notebook, name).split('"""', 2)
    return write(notebook, name, f'{start}"""{docstring}"""\n' + new)


def above(notebook, name, lines):
    """Write lines above the function, in its cell."""
    return write(notebook, name, lines + "\n\n\n" + source(notebook, name))


def padding(edition):
    """Return the lines with which the solution pads a clip for its convolution."""
    lines = source(edition.solution, "conv3d-answer")
    return lines[lines.index("    t, h, w =") : lines.index("    frames, rows")]


def clips_and_mask(edition):
    """Return lines that unfold the features and tell which frames are padding."""
    clips = exchange(source(edition.solution, "pool-clips-answer"), "    return", "#").split('"""')[2].split("#")[0]
    lengths = "np.array(lengths)[:, None]"
    there = {
        "first": f"{lengths} <= np.arange(clips.shape[1])",
        "last": f"clips.shape[1] - {lengths} > np.arange(clips.shape[1])",
    }
    return clips.strip("\n") + f"\n    padding = {there[edition.drawn['real']]}\n"


# Right answers in other forms.


@case(A1, "It marks the padding in the array that it was given, which no text forbids, and its answers are right.")
def works_in_place(edition):
    lines = (
        clips_and_mask(edition)
        + f"    clips[padding] = np.nan\n    return np.nan{edition.drawn['pool_by']}(clips, axis=1)\n"
    )
    return as_file(body(edition.solution, "pool-clips-answer", lines))


@case(A1, "A masked array in which nothing is masked holds the right numbers.")
def masked_array(edition):
    lines = clips_and_mask(edition) + (
        "    padding = np.broadcast_to(padding[..., None], clips.shape)\n"
        f"    return np.ma.array(clips, mask=padding).{edition.drawn['pool_by']}(axis=1)\n"
    )
    return as_file(body(edition.solution, "pool-clips-answer", lines))


@case(
    A1,
    "Through the Fourier transform the numbers are right but for rounding, and nothing asks for more.",
)
def convolution_by_fourier_transform(edition):
    strides = edition.drawn["stride_t"], edition.drawn["stride_s"], edition.drawn["stride_s"]
    lines = padding(edition) + "\n".join(
        (
            "    spectrum = np.fft.rfftn(clip) * np.conj(np.fft.rfftn(kernel, clip.shape, axes=(0, 1, 2)))",
            "    total = np.fft.irfftn(spectrum, clip.shape, axes=(0, 1, 2))",
            "    frames, rows, columns = (size - under + 1 for size, under in zip(clip.shape, kernel.shape))",
            "    return total[:frames:{}, :rows:{}, :columns:{}]".format(*strides),
        )
    )
    return as_file(body(edition.solution, "conv3d-answer", lines))


@case(
    A1, "How an array lies in memory is not asked: Fortran's order, views and negative strides hold the right numbers."
)
def other_orders_in_memory(edition):
    notebook = returning(edition.solution, "to_batch", "np.asfortranarray({})")
    notebook = returning(notebook, "conv3d", "np.ascontiguousarray({}[::-1])[::-1]")
    notebook = returning(notebook, "pool_clips", "np.repeat({}, 2, axis=0)[::2]")
    return as_file(returning(notebook, "causal_conv", "np.ascontiguousarray({}.T).T"))


@case(A1, "NumPy's integers are integers.")
def integers_of_numpy(edition):
    notebook = returning(edition.solution, "output_shape", "tuple(np.array({}))")
    return as_file(returning(notebook, "frames_seen", "np.int64({})"))


@case(A1, "In float32 all these numbers are the same, and the checks that students have accept it.")
def single_precision(edition):
    notebook = edition.solution
    for question in ("conv3d", "pool_clips", "causal_conv"):
        notebook = returning(notebook, question, "np.asarray({}, dtype=np.float32)")
    return as_file(notebook)


@case(
    A1 | {"to_batch": (0, 10)},
    "Shape and numbers are right and the student's check is silent, so 10; but the docstring says uint8, and the "
    "course's functions refuse other clips, so 0 is fair, too.",
)
def batch_of_floats(edition):
    return as_file(returning(edition.solution, "to_batch", "np.asarray({}, dtype=float)"))


@case(
    A1 | {"output_shape": (0, 10)},
    "19.0 frames are 19 and the student's checks are silent; but the text of question 3 says *four integers*, so "
    "there 0 is fair, too.",
)
def whole_numbers_as_floats(edition):
    notebook = returning(edition.solution, "output_shape", "tuple(map(float, {}))")
    return as_file(returning(notebook, "frames_seen", "{} / 1"))


@case(
    A1 | {"to_batch": (0, 10), "conv3d": (0, 20), "output_shape": (0, 10), "pool_clips": (0, 10)},
    "The numbers are right, so all points; but the texts say array and tuple, and the student's own checks fail on a "
    "list, so 0 is fair, too.",
)
def lists(edition):
    notebook = returning(edition.solution, "to_batch", "{}.tolist()")
    notebook = returning(notebook, "conv3d", "{}.tolist()")
    notebook = returning(notebook, "output_shape", "list({})")
    return as_file(returning(notebook, "pool_clips", "list({})"))


@case(
    A1 | {"causal_conv": (0, 15)},
    "The numbers are right, so all points; but the assignment is *in NumPy alone*, so 0 is fair, too.",
    slow=True,
)
def tensor_in_numpy_alone(edition):
    notebook = above(edition.solution, "causal-conv-answer", "import tensorflow as tf")
    return as_file(returning(notebook, "causal_conv", "tf.constant({})"))


@case(
    A2 | {"see": 0},
    "A2 does not ask for NumPy, a tensor of the right bytes passes the student's check, and so the function is right.",
    assignment="A2",
    slow=True,
)
def tensor_of_twins(edition):
    notebook = above(edition.solution, "make-twins-answer", "import tensorflow as tf")
    return as_file(returning(notebook, "make_twins", "tf.convert_to_tensor({})"), "A2.ipynb")


@case(
    A1 | {"conv3d": (0, 20), "causal_conv": (0, 15)},
    "SciPy convolves and tqdm counts, and Colab has both, so all points; but the assignment is *in NumPy alone*, so 0 "
    "is fair, too.",
)
def other_packages(edition):
    strides = "[::{stride_t}, ::{stride_s}, ::{stride_s}]".format(**edition.drawn)
    lines = padding(edition) + f'    return signal.correlate(clip, kernel, mode="valid"){strides}'
    notebook = body(edition.solution, "conv3d-answer", lines)
    notebook = edit(notebook, "causal-conv-answer", "in range(taps)", "in tqdm(range(taps))")
    notebook = above(notebook, "causal-conv-answer", "from tqdm import tqdm")
    return as_file(above(notebook, "conv3d-answer", "from scipy import signal"))


# Right answers in a notebook where something else stands.


@case(A1, "Packages that are imported and not used are missing where it is graded, which the student cannot see.")
def imports_of_what_is_not_installed(edition):
    lines = "import pandas as pd\nfrom tqdm.notebook import tqdm\nimport numpy as np"
    return as_file(write(edition.solution, "imports", lines))


@case(A1, "Nobody is there to answer when it is graded; the functions are right.")
def asks_for_input(edition):
    notebook = above(edition.solution, "frames-seen-answer", 'depth = int(input("How many layers? "))  # to try it')
    return as_file(before(notebook, "imports", code('name = input("Your name: ")\nprint("Handed in by", name)')))


@case(A1, "Notebooks allow `await` outside of functions; the functions are right.")
def top_level_await(edition):
    notebook = above(edition.solution, "output-shape-answer", "import asyncio\n\nawait asyncio.sleep(0)")
    lines = "async def answer():\n    return frames_seen(((3, 1, 1),))\n\n\nprint(await answer())"
    return as_file(after(notebook, "frames-seen-try", code(lines)))


@case(A1, "A cell that computes for too long is stopped, as the text says, and all functions are right.", slow=True)
def long_training(edition):
    lines = text("""
        # Can gradient descent learn the kernel?
        clip = np.random.default_rng(0).normal(size=(8, 16, 16))
        wanted = conv3d(clip, np.ones((3, 3, 3)))
        kernel = np.zeros((3, 3, 3))
        for epoch in range(100_000_000):
            error = conv3d(clip, kernel) - wanted
            kernel -= 1e-9 * error.mean()
    """)
    return as_file(after(edition.solution, "conv3d-try", code(lines)))


@case(A1, "A helper function stands in the last cell, and is there when the function is called.")
def helper_in_the_last_cell(edition):
    lines = padding(edition)
    notebook = edit(
        edition.solution, "conv3d-answer", lines, "    t, h, w = kernel.shape\n    clip = pad_clip(clip, kernel)\n"
    )
    return as_file(after(notebook, "end", code(f"def pad_clip(clip, kernel):\n{lines}    return clip")))


@case(A1, "The notebook is run from top to bottom, so the second definition counts, and it is right.")
def defined_twice(edition):
    first = returning(edition.solution, "conv3d", "{} * 0  # a first try")
    return as_file(before(edition.solution, "conv3d-answer", code(source(first, "conv3d-answer"))))


@case(A1 | {"conv3d": 0}, "The notebook is run from top to bottom, so the second definition counts, and it is wrong.")
def defined_again_and_wrong(edition):
    second = returning(edition.solution, "conv3d", "{} / kernel.sum()  # would this be an average?")
    return as_file(after(edition.solution, "causal-conv-try", code(source(second, "conv3d-answer"))))


@case(
    A1 | {"frames_seen": (0, 10)},
    "The right function stands below the line `# Not graded`, which the text says is not run, so 0; a person sees that "
    "it is right, so 10 is fair, too.",
)
def solved_below_not_graded(edition):
    lines, given = source(edition.solution, "frames-seen-answer"), source(edition.solution, "frames-seen-try")
    notebook = write(edition.solution, "frames-seen-answer", source(edition.student, "frames-seen-answer"))
    first, rest = given.split("\n", 1)
    return as_file(write(notebook, "frames-seen-try", f"{first}\n{lines}\n\n\n{rest}"))


@case(A1, "Lines that are printed inside a function take nothing from its answers.")
def prints_a_lot(edition):
    old = "        total += kernel[i, j, k]"
    notebook = edit(edition.solution, "conv3d-answer", old, "        print(i, j, k, kernel[i, j, k], total)\n" + old)
    return as_file(
        after(notebook, "conv3d-try", code('for step in range(50_000):\n    print("step", step, end="\\r")'))
    )


@case(A1, "Pictures take nothing from the answers.")
def plots(edition):
    lines = "%matplotlib inline\nimport matplotlib.pyplot as plt\nimport numpy as np\n\nplt.style.use('ggplot')"
    notebook = write(edition.solution, "imports", lines)
    picture = "plt.imshow(clip[0], cmap='gray')\n    plt.colorbar()\n    plt.show()\n    "
    notebook = edit(notebook, "conv3d-answer", "t, h, w = kernel.shape", picture + "t, h, w = kernel.shape")
    return as_file(
        after(notebook, "conv3d-try", code("plt.plot(conv3d(np.ones((7, 8, 9)), np.ones((3, 3, 3)))[:, 4, 4])"))
    )


@case(A1, "Cells that fail are passed over, as the text says, whatever their error is.")
def scratch_cells_that_fail(edition):
    notebook = after(edition.solution, "to-batch-try", code("for clip in clips\n    print(clip.shape"))
    notebook = after(
        notebook, "conv3d-try", code("  conv3d(clip, kernel)\nprint(undefined)"), code("np.load('my clip.npy')")
    )
    return as_file(after(notebook, "causal-conv-try", code("answer = causal_conv(features, kernel)[")))


@case(A1, "Help, timings and the shell are asked as notebooks allow, in cells of their own and above a function.")
def asks_ipython(edition):
    notebook = above(edition.solution, "to-batch-answer", "np.pad?\n?np.stack\n!python --version")
    timing = code("%timeit conv3d(np.ones((7, 8, 9)), np.ones((3, 3, 3)))\nfiles = !ls\nnp.split??")
    return as_file(after(notebook, "conv3d-try", timing))


@case(A1, "A magic on the first line times or captures the cell, and the function below it is defined all the same.")
def cell_magics(edition):
    notebook = write(edition.solution, "conv3d-answer", "%%time\n" + source(edition.solution, "conv3d-answer"))
    notebook = write(notebook, "to-batch-answer", "%%capture printed\n" + source(notebook, "to-batch-answer"))
    others = ("%%bash\nls -la\necho $HOME", "%%html\n<b>batch</b>", "%%writefile notes.txt\nmoveaxis, not reshape!")
    return as_file(after(notebook, "to-batch-try", *map(code, others)))


@case(A1, "`display` and the last output are there without an import in every notebook, and the functions are right.")
def names_of_notebooks(edition):
    shown = 'display(f"clip {clip.shape}")\n    t, h, w = kernel.shape'
    notebook = edit(edition.solution, "conv3d-answer", "t, h, w = kernel.shape", shown)
    lines = "from IPython.display import clear_output\n\nget_ipython().run_line_magic('precision', '3')\ndisplay(np.e)"
    notebook = above(notebook, "pool-clips-answer", lines)
    return as_file(
        after(notebook, "conv3d-try", code("conv3d(np.ones((7, 8, 9)), np.ones((3, 3, 3)))"), code("_.shape, Out, In"))
    )


@case(A1, "Tests of the student's own, some of which end Python, stand beside right work.")
def own_tests(edition):
    lines = text("""
        import unittest


        class TestFrames(unittest.TestCase):
            def test_one_layer(self):
                self.assertEqual(frames_seen(((1, 1, 1),)), 1)

            def test_which_is_wrong_itself(self):
                self.assertEqual(frames_seen(((1, 1, 1),)), 2)


        if __name__ == "__main__":
            unittest.main(argv=[""], verbosity=2)
    """)
    notebook = above(
        edition.solution,
        "pool-clips-answer",
        "def test_frames():\n    assert frames_seen(((1, 1, 1),)) == 1\n\n\ntest_frames()",
    )
    return as_file(after(notebook, "frames-seen-try", code(lines)))


@case(A1, "The notebook ends itself in its last cell, after all functions are defined.")
def exits_at_the_end(edition):
    return as_file(after(edition.solution, "end", code("print('done')\nexit()")))


@case(A1, "Names of Python's own are used for the student's values, as many do, and the functions are right.")
def shadowed_names(edition):
    lines = "input = np.ones((2, 3))\ntype, id, dir = 'clip', 7, '.'\njson = map = all = time = sys = io = os = None"
    return as_file(after(edition.solution, "imports", code(lines)))


@case(A1, "Type hints, and a future import that may only stand first in its cell, change no answer.")
def type_hints(edition):
    notebook = edit(
        edition.solution,
        "to-batch-answer",
        "def to_batch(frames, lengths):",
        "from __future__ import annotations\n\nfrom typing import Sequence\n\n\n"
        "def to_batch(frames: np.ndarray, lengths: Sequence[int]) -> np.ndarray:",
    )
    typed = "def frames_seen(layers: tuple[tuple[int, int, int], ...]) -> int:"
    return as_file(edit(notebook, "frames-seen-answer", "def frames_seen(layers):", typed))


@case(A1, "Names and arguments are kept, whether it is a method, an object that is called, or a partial function.")
def classes(edition):
    notebook = write(edition.solution, "conv3d-answer", _method(source(edition.solution, "conv3d-answer")))
    lines = exchange(source(notebook, "pool-clips-answer"), "def pool_clips(features", "def pool(how, features")
    notebook = write(
        notebook,
        "pool-clips-answer",
        f"from functools import partial\n\n\n{lines}\n\n\npool_clips = partial(pool, None)",
    )
    lines = source(notebook, "frames-seen-answer").replace("\n", "\n    ").replace("frames_seen(", "__call__(self, ")
    return as_file(write(notebook, "frames-seen-answer", f"class Field:\n    {lines}\n\n\nframes_seen = Field()"))


def _method(lines):
    return (
        "class Convolution:\n    @staticmethod\n    "
        + lines.replace("\n", "\n    ")
        + "\n\n\nconv3d = Convolution.conv3d"
    )


@case(A1, "Assignment expressions, `match` and f-strings are Python 3.11, which the course asks for.")
def new_syntax(edition):
    old = "    t, h, w = kernel.shape"
    new = text("""
        if (depth := kernel.ndim) != 3:
            raise ValueError(f"{depth=}")
        match kernel.shape:
            case t, h, w:
                pass
    """).replace("\n", "\n    ")
    return as_file(edit(edition.solution, "conv3d-answer", old, "    " + new))


@case(
    A1 | {"to_batch": (0, 10)},
    "Python 3.12, which Colab has, allows the same quotes inside an f-string, so 10; where it is graded by Python 3.11 "
    "it cannot be run, so 0 is accepted there if a line says why.",
)
def f_string_of_python_3_12(edition):
    lines = '    assert len(lengths), f"clips of {", ".join(map(str, lengths))} frames"\n'
    start = "    frames = np.transpose"
    return as_file(edit(edition.solution, "to-batch-answer", start, lines + start))


@case(A1, "What a text says of the arguments may be relied on: types, odd sizes, tuples that can be keys of a cache.")
def relies_on_the_docstrings(edition):
    lines = text("""
        assert isinstance(frames, np.ndarray) and frames.dtype == np.uint8
        assert isinstance(lengths, tuple) and all(isinstance(length, int) for length in lengths)
    """).replace("\n", "\n    ")
    start = "frames = np.transpose"
    notebook = edit(edition.solution, "to-batch-answer", start, f"{lines}\n    {start}")
    start = "t, h, w = kernel.shape"
    lines = "assert clip.dtype == kernel.dtype == float and all(size % 2 for size in kernel.shape)"
    notebook = edit(notebook, "conv3d-answer", start, f"{lines}\n    {start}")
    cached = "import functools\n\n\n@functools.cache\ndef frames_seen("
    return as_file(edit(notebook, "frames-seen-answer", "def frames_seen(", cached))


@case(A1, "Names and arguments are kept; one more argument that need not be given changes no call.")
def optional_argument(edition):
    return as_file(edit(edition.solution, "to-batch-answer", "(frames, lengths)", "(frames, lengths, verbose=False)"))


# What is not there, or wrong.


@case(
    A1 | {"conv3d": 0},
    "The text says that functions are called by their names and names are to be kept; this one has another name.",
)
def function_renamed(edition):
    return as_file(edit(edition.solution, "conv3d-answer", "def conv3d(", "def conv_3d("))


@case(
    A1 | {"frames_seen": 0, "causal_conv": 0},
    "One answer is printed and not returned, and one question is not written.",
)
def printed_and_unfinished(edition):
    notebook = edit(edition.solution, "frames-seen-answer", "    return field", "    print(field)")
    return as_file(write(notebook, "causal-conv-answer", source(edition.student, "causal-conv-answer")))


@case(A1 | {"pool_clips": 0}, "A function that is no Python is not there; the other cells are.")
def syntax_error_in_an_answer(edition):
    return as_file(edit(edition.solution, "pool-clips-answer", "return np.stack([", "return np.stack(("))


@case(
    A1 | {"to_batch": 0, "conv3d": 0, "causal_conv": 0},
    "The padding is on the other side than the text says, so every answer is wrong.",
)
def padding_on_the_other_side(edition):
    notebook = edition.solution
    for name in ("to-batch-answer", "conv3d-answer", "causal-conv-answer"):
        side = next(side for side in SIDES if side in source(notebook, name))
        notebook = edit(notebook, name, side, SIDES[side])
    return as_file(notebook)


@case(
    A1 | {"conv3d": 0, "causal_conv": 0},
    "The kernel is turned round, which the text excludes, or its matrices meet the frames in the other order.",
)
def kernel_flipped(edition):
    notebook = edit(
        edition.solution,
        "conv3d-answer",
        "t, h, w = kernel.shape",
        "t, h, w = kernel.shape\n    kernel = kernel[::-1, ::-1, ::-1]",
    )
    return as_file(edit(notebook, "causal-conv-answer", "total = 0", "total, kernel = 0, kernel[::-1]"))


@case(
    A1 | {"to_batch": 2, "conv3d": 0, "output_shape": 4, "frames_seen": (0, 4), "pool_clips": 0, "causal_conv": 3},
    "Right for what the example shows: two clips, ones, two layers, no strides, two features, two matrices; each "
    "hidden input like it is a fifth, as the text promises, and of the strides nobody can say how many do not matter.",
)
def right_for_the_example_alone(edition):
    notebook = edit(
        edition.solution,
        "to-batch-answer",
        "    longest = max(lengths)",
        "    first, second = lengths\n    longest = max(first, second)",
    )
    notebook = edit(notebook, "conv3d-answer", "kernel[i, j, k] * clip", "clip")
    notebook = edit(notebook, "output-shape-answer", "    *sizes", "    first, second = layers\n    *sizes")
    notebook = edit(notebook, "frames-seen-answer", "        step *= stride\n", "")
    notebook = edit(notebook, "pool-clips-answer", "features.shape[-1]", "2")
    return as_file(
        edit(notebook, "causal-conv-answer", "    taps, frames", "    now, before = kernel\n    taps, frames")
    )
