"""What a student may hand in to harm or to cheat. Nothing gains a point, sees a secret or touches another's mark.

All of it really runs, under bubblewrap. Each attack is ended by the limit that it is about, on any machine.
"""

import io
import json
import os
import pickle
import re
import socket
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import numpy as np
import pytest
from handed_in import A1, ALL, ASLEEP, KEY, LIMITS, grader, lines, notebook, points, submission, wait_until

import seqlib
from grading import __main__ as command
from grading import messages
from grading.grade import MOST_NOTES, Grader
from grading.sandbox import OURS, Sandbox

ROOT = Path(seqlib.__file__).parents[1]

pytestmark = pytest.mark.slow  # attacks go on until a limit ends them


@pytest.fixture(scope="module", autouse=True)
def sandbox():
    problem = Sandbox().problem()
    if problem:
        pytest.skip(f"no sandbox: {problem}; `make system` installs it")


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    """Nothing of what ran is running still, and what it could see of the repository is as it was."""

    def state():
        return subprocess.check_output(["git", "status", "--porcelain", "--", *OURS], cwd=ROOT)

    before = state()
    yield
    wait_until(lambda: not running(os.getpid()))
    assert state() == before


def running(grader_pid):
    """Processes that a grader has started and that still run; other graders may be at work beside it."""
    processes = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"grading/inside.py\0{grader_pid}\0".encode() in path.read_bytes():
                processes.append(path)
        except OSError:
            continue
    return processes


def grade(*notebook_arguments, limits=LIMITS, **named):
    return grader(limits=limits).grade(submission(notebook(*notebook_arguments, **named)))


def but(*names, points=0):
    """All points, but for some questions."""
    return ALL | dict.fromkeys(names, points)


LIBC = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def system(name, *arguments):
    if (result := getattr(libc, name)(*arguments)) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
"""


# Inside a question's function: the question is lost, and no other. Code, and what the feedback says.
IN_A_FUNCTION = {
    "infinite loop": ("while True: pass", "took more than 2 s and was stopped"),
    "a loop that switches the alarms off": (
        """
        import signal
        signal.setitimer(signal.ITIMER_PROF, 0), signal.setitimer(signal.ITIMER_REAL, 0)
        while True: pass
        """,
        "took more than 5 s of computing",
    ),
    "sleep": (
        """
        import signal, time
        signal.setitimer(signal.ITIMER_REAL, 0.1)  # the alarm that is set would come only after five minutes
        time.sleep(1e6)
        """,
        "took more than 300 s and was stopped",
    ),
    "fork bomb": (
        """
        import os
        while True:
            os.fork()
        """,
        "Operation not permitted",
    ),
    "200 GB": ("return np.ones(25_000_000_000)", "more memory than there is"),
    "a process of its own": ("import subprocess; subprocess.run(['id'])", "Operation not permitted"),
    "much memory": ("kept = [np.ones(2**17) for _ in range(10**6)]", "more memory than there is|1 GiB"),
    "much memory, never written": ("kept = [np.empty(2**17) for _ in range(10**6)]", "more memory than there is"),
    "filling the disk": (
        "for number in range(10**9): open(f'/tmp/{number}', 'wb').write(bytes(2**20))",
        "No space left on device",
    ),
    "filling /dev/shm": ("open('/dev/shm/x', 'wb').write(bytes(2**20))", "Read-only file system"),
    "one huge file": ("open('/tmp/x', 'wb').write(bytes(2**23))", "File too large"),
    "network": ("import socket; socket.create_connection(('127.0.0.1', 80), 5)", "Operation not permitted"),
    "writing to the repository": (
        f"open({str(Path(seqlib.__file__).with_name('planted.py'))!r}, 'w').write('x')",
        "Read-only file system",
    ),
    "writing to /proc/sys": ("open('/proc/sys/kernel/core_pattern', 'w').write('x')", "Read-only|Permission"),
    "raising the limits": (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**50, 2**50))",
        "exceed|not allowed",
    ),
    "a link as an answer": (
        """
        import os
        os.symlink("/etc/passwd", "/tmp/conv3d.npy")
        os.symlink("/proc/self/fd/0", "/tmp/answer.npy")
        return "/tmp/conv3d.npy"
        """,
        "not an array of numbers",
    ),
    "100 MB returned": ("return np.zeros(13_000_000)", "what it returned is too large"),
    "killing itself": ("import os; os.kill(os.getpid(), 9)", "Operation not permitted"),
    "leaving": ("import os; os._exit(0)", "it ended Python"),
    "killing all": ("import os; os.kill(-1, 9); os.kill(1, 9)", "Operation not permitted"),
    "crashing": ("import ctypes; ctypes.string_at(0)", "it ended Python"),
    "endless recursion": (
        "import sys; sys.setrecursionlimit(10**9); return conv3d(clip, kernel)",
        "it ended Python|RecursionError|memory",
    ),
    "an object that is equal to everything": (
        """
        class Cheat:
            def __array__(self, *_, **__): return np.array([{}], object)
            def __eq__(self, _): return True
        return Cheat()
        """,
        "not an array of numbers",
    ),
    "a poisoned pickle": (
        """
        class Poison:
            def __reduce__(self): return print, ("poisoned",)
        return Poison()
        """,
        "not an array of numbers",
    ),
    "an error that takes its time": (
        """
        class Lie(Exception):
            def __str__(self):
                while True: pass
        raise Lie
        """,
        "took more than 2 s and was stopped",
    ),
}
# Memory that the process has not mapped, so that looking at what it has mapped does not find it.
IN_A_FUNCTION |= {
    "a file without a name": ("import os; kept = [os.memfd_create('x') for _ in range(99)]", "not permitted"),
    "shared memory that is made smaller": ("import mmap; mmap.mmap(-1, 2**26).resize(2**12)", "not permitted"),
    "shared memory of /dev/zero": ("import mmap; mmap.mmap(open('/dev/zero', 'r+b').fileno(), 2**26)", "Permission"),
    "System V shared memory": (LIBC + "system('shmget', 0, 2**26, 0o1600)", "not permitted"),
    "System V messages": (LIBC + "while True: system('msgget', 0, 0o1600)", "not permitted"),
    "POSIX messages": (LIBC + "system('mq_open', b'/x', os.O_CREAT | os.O_RDWR, 0o600, None)", "not permitted"),
    "pages in a pipe": (LIBC + "system('vmsplice', os.pipe()[1], None, 0, 0)", "not permitted"),
    "watches of files": (LIBC + "system('inotify_init')", "not permitted"),
    "files without content": ("for n in range(10**9): open(f'/tmp/{n}', 'w').close()", "more than 2,000 files"),
    "links": ("import os\nfor n in range(10**9): os.symlink('x' * 99, f'/tmp/{n}')", "more than 2,000 files"),
    "second names": (
        "import os\nopen('/tmp/x', 'w').close()\nfor n in range(10**9): os.link('/tmp/x', f'/tmp/{n}')",
        "more than 2,000 files",
    ),
    "open files": ("import os; kept = [os.pipe() for _ in range(10**5)]", "Too many open files"),
}
# What would look as if somebody else had ended it, or ends only by the clock.
IN_A_FUNCTION |= {
    "stopping itself": ("import os; os.kill(os.getpid(), 19)", "Operation not permitted"),
    "a death that looks like another's": ("import os; os._exit(128 + 9)", "something outside of the grader ended it"),
    "a loop that ignores the end of its time": (
        """
        import signal
        signal.setitimer(signal.ITIMER_PROF, 0), signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGXCPU, signal.SIG_IGN)
        while True: pass
        """,
        "something outside of the grader ended it",
    ),
    "a loop that catches the alarm": (
        """
        while True:
            try:
                for _ in iter(int, 1): pass
            except BaseException: pass
        """,
        "took more than 5 s of computing",
    ),
    "the instructor's terminal": ("open('/dev/tty', 'w')", "No such device"),
}
# A limit ended these, or so it looks: no points, and a person has to look.
LEFT_TO_A_PERSON = {
    *("infinite loop", "sleep", "a loop that switches the alarms off", "an error that takes its time"),
    *("files without content", "links", "second names", "a death that looks like another's"),
    *("a loop that ignores the end of its time", "a loop that catches the alarm"),
}
# Of these it depends on the version of Python.
EITHER = {"endless recursion", "much memory"}
# What only computes is ended by the time it has computed. Right answers take a twentieth of that, on any machine.
BY_COMPUTING = {
    "infinite loop": {"step_cpu": 2},
    "an error that takes its time": {"step_cpu": 2},
    "a loop that switches the alarms off": {"cpu": 5},
    "a loop that ignores the end of its time": {"cpu": 5},
    "a loop that catches the alarm": {"cpu": 5, "step_cpu": 2},
}


def attacking(body):
    """A conv3d that attacks."""
    return "def conv3d(clip, kernel):\n" + textwrap.indent(textwrap.dedent(body), "    ")


@pytest.mark.parametrize("name", IN_A_FUNCTION)
def test_an_attack_in_a_function_loses_that_question_and_no_other(name):
    body, feedback = IN_A_FUNCTION[name]
    limits = LIMITS._replace(**BY_COMPUTING.get(name, {}))
    result = grade({"conv3d-answer": attacking(body)}, limits=limits)
    left_to_a_person = name in LEFT_TO_A_PERSON or (name in EITHER and points(result)["conv3d"] is None)
    assert points(result) == but("conv3d", points=None if left_to_a_person else 0)
    assert result["limited"] == (left_to_a_person or "more memory than there is" in lines(result))
    assert ("not graded: look" in lines(result)) == left_to_a_person
    assert re.search(feedback, lines(result)), lines(result)


def test_what_sleeps_with_its_alarms_off_is_ended_from_outside():
    job = {"do": "notebook", "cells": [("cell 1", ASLEEP)], "functions": [], "skip": []}
    answers, end = Sandbox().run(job, limits=LIMITS._replace(seconds=3))
    assert end == "it took more than 3 s" and not any("finished" in head for head, _ in answers)


def test_a_thread_bomb_gains_nothing():
    """What it leaves running may yet end a later question of its author's."""
    bomb = "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(99,)).start()"
    result = grade({"conv3d-answer": attacking(bomb)})
    assert not points(result)["conv3d"]
    assert re.search("started more than 40 processes|can't start new thread", lines(result)), lines(result)


# In a cell of its own, before all others: it is passed over.
IN_A_CELL = {
    "infinite loop": ("while True:\n    pass", r"Cell 1: .*took more than 2 s"),
    "killing its own kernel": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", r"Cell 1: PermissionError"),
    "crashing": ("import ctypes\nctypes.string_at(0)", r"Cell 1: it ended Python"),
    "leaving": ("raise SystemExit", r"Cell 1: SystemExit"),
    "100 MB of output": (
        "import os, sys\nfor _ in range(100):\n    print('x' * 2**20)\n    os.write(2, b'x' * 2**20)\n1 / 0",
        r"Cell 1: ZeroDivisionError",
    ),
    "a fake score": ("print('{\"score\": 100}')\nprint('A1 100/100')\n1 / 0", r"Cell 1: ZeroDivisionError"),
    "shell escapes and magics": ("%matplotlib inline\n!rm -rf /\nx = !ls\n%load_ext autoreload\ny = 1", r"left out"),
    "a cell magic": ("%%bash\nrm -rf /", r"a cell magic"),
    "syntax": ("def (", r"Cell 1: SyntaxError"),
    "a null byte": ("x = 1\0", r"Cell 1: (SyntaxError|ValueError)"),
}


@pytest.mark.parametrize("name", IN_A_CELL)
def test_a_cell_that_attacks_or_fails_is_passed_over(name):
    source, note = IN_A_CELL[name]
    result = grade(added=[source], limits=LIMITS._replace(**BY_COMPUTING.get(name, {})))
    assert points(result) == ALL
    assert re.search(note, lines(result)), lines(result)


# Whatever is patched or forged: with stubs for answers there are no points.
TO_EVERY_FILE = "import os, pickle\nfor fd in range(3, 64):\n    try: {}\n    except OSError: pass"
CHEATS = {
    "NumPy": "np.isclose = np.allclose = np.array_equal = lambda *a, **k: True; np.ndarray = object",
    "NumPy's arrays": "np.asarray = np.array = lambda *a, **k: None",
    "builtins": """
import builtins
builtins.sum = builtins.all = builtins.any = lambda *a, **k: True
builtins.len, builtins.round = lambda *_: 5, lambda *_: 25
""",
    "Keras": "import sys, types; sys.modules['keras'] = sys.modules['tensorflow'] = types.ModuleType('keras')",
    "the checker": """
from importlib import import_module
grading = import_module("grading")
import_module("grading.grade")
grading.questions.difference = lambda *_: ""
grading.grade.Grader.grade = lambda *_: {}
""",
    "what runs it": """
import sys
__main__ = sys.modules["__main__"]
__main__.call = lambda *a, **k: None
__main__.messages.pack = lambda *_: b'{"finished": true, "score": 100}\\n'
""",
    "an early end": TO_EVERY_FILE.format("""os.write(fd, b'{"finished": true}\\n')"""),
    "forged answers": """
import os
for fd in range(3, 64):
    for name in ("to_batch", "conv3d", "frames_seen"):
        for case in range(5):
            line = '{"answer": "%s", "case": %d, "dtype": "float64", "shape": []}' % (name, case)
            try: os.write(fd, line.encode() + b"\\n" + bytes(8))
            except OSError: pass
""",
    "nonsense in the right form": TO_EVERY_FILE.format(
        """os.write(fd, b'{"answer": [], "case": {}}\\n{"begin": 5}\\n{"missing": {}}\\n{"end": [], "note": []}\\n')"""
    ),
    "a pickle": "class P:\n    def __reduce__(self): return print, ('poisoned',)\n"
    + TO_EVERY_FILE.format("os.write(fd, pickle.dumps(P()))"),
    "rubbish": TO_EVERY_FILE.format("os.write(fd, os.urandom(2**16))"),
    "too much": TO_EVERY_FILE.format("os.write(fd, bytes(2**24))"),
    "a million messages": TO_EVERY_FILE.format("""os.write(fd, b'{}\\n' * 10**6)"""),
    "a message of a megabyte": TO_EVERY_FILE.format(
        """os.write(fd, b'{"begin": "cell 1"}\\n{"end": "cell 1", "note": "' + b'x' * 2**20 + b'"}\\n')"""
    ),
    "brackets": TO_EVERY_FILE.format("os.write(fd, b'[' * 10**6 + b'\\n')"),
    "shapes that are none": TO_EVERY_FILE.format(
        """[os.write(fd, b'{"answer": "conv3d", "case": 0, "dtype": "bool", "shape": %s}\\n' % shape)
         for shape in (b'[0, 4294967295, 4294967295, 4294967295]', b'""', b'{}')]"""
    ),
    "numbers without an end": TO_EVERY_FILE.format(
        """[os.write(fd, b'{"answer": "conv3d", "case": %s}\\n' % case) for case in (b"1e999", b"9" * 5000)]"""
    ),
    "limits that nobody met": TO_EVERY_FILE.format(
        """[os.write(fd, b'{"begin": "%s"}\\n{"end": "%s", "note": "x", "limit": "clock"}\\n' % (name, name))
         for name in (b"to_batch", b"conv3d", b"cell 1")]"""
    ),
    "taking back what it sent": TO_EVERY_FILE.format("os.ftruncate(fd, 0)"),
    "an array that is equal to everything": """
class Equal(np.ndarray):
    def __eq__(self, other): return np.ones(5, bool)
def conv3d(clip, kernel): return np.zeros(3).view(Equal)
to_batch = frames_seen = conv3d
""",
}


@pytest.mark.parametrize("name", CHEATS)
def test_patching_and_forging_gain_nothing(name, capfd):
    data = notebook(added=["import numpy as np\n" + CHEATS[name]], last=[CHEATS[name]], base=A1.student)
    result = grader().grade(submission(data))
    assert not any(points(result).values())
    assert lines(result) and len(lines(result)) < 10_000
    assert "poisoned" not in "".join(capfd.readouterr())


def test_notes_without_an_end_are_cut():
    """They were compared with each other: 70,000 took a minute of the grader's own time."""
    forged = """
line = '{"begin": "cell 1"}\\n{"end": "cell 1", "note": "%d%s"}\\n'
lines = "".join(line % (number, "x" * 999) for number in range(5)).encode()
lines += "".join(line % (number, "") for number in range(70_000)).encode()
"""
    result = grade(added=[forged + TO_EVERY_FILE.format("os.write(fd, lines)")], limits=LIMITS._replace(output=2**24))
    assert len(result["notes"]) == MOST_NOTES and max(map(len, result["notes"])) == 500


LOOK = """
import os, sys, json
PUBLIC = (".py", ".typed", ".json", ".toml", ".mplstyle", ".pyc", "ld.so.cache")
def to_batch(frames, lengths):
    found = []
    packages = [path for path in sys.path if "-packages" in path]
    public = ("/proc", "/dev", "/usr", "/bin", "/lib", "/etc/alternatives", sys.base_prefix, *packages)
    for folder, below, files in os.walk("/"):
        below[:] = [name for name in below if not os.path.join(folder, name).startswith(public)]
        found += [os.path.join(folder, file) for file in files if not file.endswith(PUBLIC)]
    for path in ("/proc/1/environ", "/proc/1/cmdline", "/proc/self/environ"):
        try:
            found += [path] * (b"GRADING_TEST" in open(path, "rb").read())
        except OSError:
            pass
    found += [pid for pid in os.listdir("/proc") if pid.isdigit() and int(pid) not in (1, os.getpid())]
    raise ValueError(json.dumps(found))
"""


def test_there_is_nothing_to_read(tmp_path, monkeypatch):
    """No notebook but its own source, no secret, no other process, none of the grader's environment."""
    monkeypatch.setenv("GRADING_TEST", "1")
    (tmp_path / "the.secret").write_bytes(KEY)
    (tmp_path / "other.ipynb").write_bytes(notebook())
    result = grade({"to-batch-answer": LOOK})
    assert "ValueError: []" in lines(result), lines(result)


def test_nothing_that_is_expected_and_no_secret_goes_into_the_sandbox(monkeypatch):
    sent = []

    def run(self, job, given=(), limits=None):
        sent.extend(messages.pack(head, array) for head, array in [(job, None), *given])
        return [], ""

    monkeypatch.setattr(Sandbox, "run", run)
    grade()
    sent = b"".join(sent)
    inputs, _ = A1.cases(A1.questions[1])
    assert inputs[0][1][0].tobytes() in sent, "the inputs do go in"
    for question in A1.questions[:-1]:  # the last one is answered in words
        for answer in A1.cases(question)[1]:
            answer = np.asarray(answer)
            assert answer.nbytes < 64 or np.ascontiguousarray(answer).tobytes() not in sent, question.name
    for key in (KEY, A1.key):
        assert key not in sent and key.hex().encode() not in sent


def test_a_server_next_door_is_not_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        attack = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 2).send(b'answers')"
        assert points(grade(added=[attack])) == ALL
        with pytest.raises(BlockingIOError):  # nobody has come
            server.accept()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name := f"\0grading-test-{os.getpid()}")  # it has no file that could be hidden
        server.listen()
        server.setblocking(False)
        attack = f"import socket\nsocket.socket(socket.AF_UNIX).connect({name!r})"
        assert "Connection refused" in lines(grade(added=[attack]))
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (b"\xff\xfe\x00bad", "not UTF-8"),
        (b"this is no JSON", "not JSON"),
        (b'{"cells": ' + b"[" * 100_000, "not JSON"),
        (b'{"worksheets": []}', "no cells"),
        (b'{"cells": 5}', "no cells"),
        (b'{"cells": [{"cell_type": "code"}]}', "no cells"),
        (b'{"cells": [{"cell_type": "code", "source": [1]}]}', "no cells"),
        (b"[]", "no cells"),
        (b"", "not JSON"),
    ],
)
def test_what_is_no_notebook_is_told_in_a_line(data, note):
    result = grader().grade(submission(data))
    assert points(result) == dict.fromkeys(ALL, 0) | {"in_words": None}
    assert note in result["notes"][0]


def test_missing_cells_and_renamed_functions_are_told():
    result = grade({"conv3d-answer": "def conv_3d(clip, kernel):\n    pass", "to-batch-answer": "", "imports": ""})
    assert points(result)["conv3d"] == points(result)["to_batch"] == 0
    assert result["marks"]["conv3d"]["lines"] == [
        "all 5 inputs: the notebook defines no function of this name; is conv_3d meant?"
    ]
    assert "name 'np' is not defined" in lines(result)
    assert points(result)["output_shape"] == ALL["output_shape"], "it needs no NumPy"


def test_stripped_metadata_and_lists_of_lines_do_not_matter():
    stripped = json.loads(notebook())
    stripped = {
        "cells": [
            {"cell_type": cell["cell_type"], "source": cell["source"].splitlines(keepends=True)}
            for cell in stripped["cells"]
        ]
    }
    assert points(grader().grade(submission(json.dumps(stripped).encode()))) == ALL


def zipped(files, **options):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def linked(name, target):
    """A zip that holds a symbolic link."""
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return zipped({info: target})


@pytest.mark.parametrize(
    ("packed", "note"),
    [
        (lambda: zipped({"A1.ipynb": bytes(2**28)}), "larger than 128 MiB"),
        (lambda: zipped({f"{i}.ipynb": b"" for i in range(101)}), "more than 100 files"),
        (lambda: linked("A1.ipynb", "/etc/passwd"), "a link"),
        (lambda: b"PK\3\4 and no more", "not a zip"),
        (lambda: zipped({"A1.ipynb": b"{}" * 99})[:-40], "not a zip"),
        (lambda: zipped({"notes.txt": b""}), "no .ipynb file"),
        (lambda: zipped({".": b"", "/": b"", "A1.txt\0.ipynb": b"{}"}), "no .ipynb file"),
    ],
)
def test_a_zip_bomb_a_link_and_a_broken_zip_are_told(packed, note):
    result = grader().grade(submission(packed(), name="A1.zip"))
    assert points(result) == dict.fromkeys(ALL, 0) | {"in_words": None}
    assert note in result["notes"][0]


def test_a_students_zip_is_read_and_its_names_are_only_names(tmp_path):
    result = grader().grade(submission(zipped({"../../../elsewhere/A1.ipynb": notebook()}), name="mine.zip"))
    assert points(result) == ALL


FORMULA = """raise ValueError("a\\t;=HYPERLINK(\\"x\\")\\x1b[2J\\u202e\\n=1+1")"""
A_CLASS = {
    "anna": notebook(),
    "zoe": notebook({"conv3d-answer": "def conv3d(clip, kernel):\n    return clip"}),
    "bob": notebook({"conv3d-answer": attacking("while True: pass")}),
    "eve": notebook({"conv3d-answer": attacking(IN_A_FUNCTION["files without content"][0])}),
    "tom": notebook({"conv3d-answer": attacking("raise ValueError(object(), [conv3d])")}),
    "mia": notebook(added=[FORMULA], last=[CHEATS["limits that nobody met"]]),
    "kim": notebook(added=["import numpy as np\n" + CHEATS["a million messages"]]),
    "王" * 80: notebook() + b" ",
    "Ada King_123_assignsubmission_file_x_999_assignsubmission_file_A1": notebook() + b"  ",
    "x_999_assignsubmission_file_A1": b"{}",
    "y_999_assignsubmission_file_A1": notebook() + b"   ",
}


def test_a_class_graded_twice_in_another_order_with_other_workers_and_load_is_byte_equal(tmp_path, monkeypatch):
    monkeypatch.setattr(
        command, "Grader", lambda *arguments: Grader(*arguments, limits=LIMITS._replace(step_cpu=2), model_limits=None)
    )
    (tmp_path / "secret").write_bytes(KEY)
    written = []
    for number, (order, workers) in enumerate((((sorted(A_CLASS)), 1), (sorted(A_CLASS, reverse=True), 4))):
        source, out = tmp_path / f"{number}.zip", tmp_path / f"grades {number}"
        with zipfile.ZipFile(source, "w") as archive:
            for name in order:
                archive.writestr(f"{name}.ipynb", A_CLASS[name])
        load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * number)]
        try:
            arguments = ["--secret", str(tmp_path / "secret"), "--out", str(out), "--workers", str(workers)]
            assert command.main(["A1", str(source), *arguments]) == 0
        finally:
            for process in load:
                process.kill()
                process.wait()
        written.append({path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()})
    assert written[0] == written[1]
    table = written[0][Path("grades.csv")].decode("utf-8-sig").splitlines()
    earned = {name: sum(map(float, filter(None, cells[:7]))) for name, *cells in (row.split(",") for row in table[1:])}
    assert {earned[name] for name in ("anna", "王" * 80, "Ada King", "kim")} == {75}
    assert {earned[name] for name in ("zoe", "tom")} == {55}
    notes = written[0][Path("notes.csv")].decode("utf-8-sig")
    for line in (
        "bob,conv3d: not graded: look: it took more than 2 s and was stopped",
        'eve,"conv3d: not graded: look: it left more than 2,000 files"',
        '"not graded: look: x and y have the same number or name, 999, find out whose it is"',
    ):
        assert line in notes, notes
    assert ";" not in notes and notes.replace("\n", "").isprintable() and "0x" not in notes
    assert written[0][Path("moodle.csv")].decode().splitlines()[1:] == ["Participant 123,Ada King,,-"]


def test_the_whole_set_in_one_folder_stops_nothing_and_harms_nobody(tmp_path, capsys):
    """As an instructor meets it: a folder with attackers, links and rubbish beside two who did their work."""
    folder = tmp_path / "submissions"
    folder.mkdir()
    secret = tmp_path / "secret"
    secret.write_bytes(KEY)
    for name in ("anna", "zoe"):
        (folder / f"{name}.ipynb").write_bytes(notebook())
    for number, name in enumerate(("fork bomb", "killing all", "200 GB", "filling the disk")):
        body = IN_A_FUNCTION[name][0]
        (folder / f"m{number}.ipynb").write_bytes(notebook({"conv3d-answer": attacking(body)}, base=A1.student))
    (folder / "link.ipynb").symlink_to(secret)
    (folder / "loop").symlink_to(folder)
    (folder / "=cmd|' calc'!A1.ipynb").write_bytes(b"\xff")
    (folder / "<script>alert(1)<.ipynb").write_bytes(b"{}")
    out = tmp_path / "grades"
    arguments = ["A1", str(folder), "--secret", str(secret), "--out", str(out)]
    assert command.main(arguments) == 0
    first = (out / "grades.csv").read_bytes()
    rows = dict(line.split(",", 1) for line in first.decode("utf-8-sig").splitlines()[1:])
    right = ",".join([*(str(points) for points in ALL.values() if points), ",,in_words"])
    assert {name for name, rest in rows.items() if rest == right} == {"anna", "zoe"}
    assert all(rest == "0,0,0,0,0,0,,,in_words" for name, rest in rows.items() if name not in ("anna", "zoe"))
    assert not any(name.startswith(("=", "+", "-", "@")) for name in rows)
    assert command.main(arguments) == 0
    assert (out / "grades.csv").read_bytes() == first
    pages = "".join(path.read_text("utf-8") for path in out.rglob("*.html"))
    assert "<script" not in pages and KEY.decode() not in pages
    assert "a link to another file" in pages
    assert {path for path in out.rglob("*.html") if path.parent != out / "feedback"} == {
        out / "written.html",
        out / "oral.html",
    }


@pytest.mark.parametrize("name", ["infinite loop", "sleep", "200 GB", "killing itself", "fork bomb"])
def test_without_bubblewrap_there_are_still_limits(name):
    body, feedback = IN_A_FUNCTION[name]
    limits = LIMITS._replace(**BY_COMPUTING.get(name, {}))
    result = grader(limits=limits, bubblewrap=False).grade(submission(notebook({"conv3d-answer": attacking(body)})))
    assert points(result) == but("conv3d", points=None if name in LEFT_TO_A_PERSON else 0)
    assert re.search(feedback, lines(result)), lines(result)


def test_a_pickle_among_what_comes_back_is_not_read(capfd):
    class Poison:
        def __reduce__(self):
            return print, ("poisoned",)

    for data in (pickle.dumps(Poison()), b'{"dtype": "object", "shape": [1]}\n' + pickle.dumps([Poison()])):
        assert messages.unpack(messages.pack({"note": 1}) + data) == [({"note": 1}, None)]
    assert "poisoned" not in "".join(capfd.readouterr())


def test_bubblewrap_ends_with_the_grader(tmp_path):
    """Killed from outside, the grader leaves nothing that runs."""
    (tmp_path / "a.ipynb").write_bytes(notebook(added=[ASLEEP]))
    arguments = ["A1", str(tmp_path / "a.ipynb"), "--practice", "--out", str(tmp_path / "out")]
    process = subprocess.Popen([sys.executable, "-m", "grading", *arguments], cwd=ROOT)
    wait_until(lambda: running(process.pid))
    process.kill()
    process.wait()
    wait_until(lambda: not running(process.pid))
