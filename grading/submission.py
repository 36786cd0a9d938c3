"""What was handed in: found in a folder or a zip, sorted by student, and read with care, for anything may be in it.

Nothing is ever extracted: members of a zip are read in memory, up to a limit, and their names are only names.
"""

import contextlib
import io
import os
import re
import stat
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from .collector import UnreadableError

LARGEST = 2**27  # bytes of one file; what counts of a notebook is counted when it is read
LARGEST_MODEL = 2**24
MOST_READ = 2**28  # bytes of one submission
MOST_LOOKED_AT = 20  # files of one submission
MOST_FILES = 20_000
MOST_IN_A_STUDENTS_ZIP = 100
MOST_ZIPS = 5  # of one submission, those within others too
NAMES_HAVE = " _.,'@+-()\u2018\u2019\u2010\u2011\u2013\u00b7\u30fb\u200c\u200d"  # beside letters, marks and numbers
IGNORED = re.compile(r"^(\..*|__MACOSX|Thumbs\.db|desktop\.ini)$")

# Whose a file is stands at the front; what follows is the student's own word, so the first number wins.
# lastfirst_12345_67890_A1.ipynb, lastfirst_LATE_12345_67890_A1-1.ipynb, anon_x7Yz2_67890_A1.ipynb
CANVAS = re.compile(
    r"^(?:(?P<name>.+?)_(?P<late>LATE_)?(?P<id>\d{1,20})|(?P<anonymous>anon_[A-Za-z0-9]+))_\d{1,20}_(?P<file>.+)$"
)
# First Last_12345_assignsubmission_file_A1.ipynb
MOODLE = re.compile(r"^(?P<name>.+?)_(?P<id>\d{1,20})_assignsubmission_[a-z]+_?(?P<file>.*)$")
# First Last_12345_assignsubmission_file_/A1.ipynb: all of the folder's name is Moodle's, and the number its end
MOODLE_FOLDER = re.compile(r"^(?P<name>.+)_(?P<id>\d{1,20})_assignsubmission_[a-z]+_?$")


class Submission(NamedTuple):
    """What one student handed in.

    Attributes
    ----------
    student : str
        As the system they handed it in to writes the name; unique, and fit for a file's name.
    system : str
        ``"canvas"``, ``"moodle"`` or ``""``.
    id : str
        The student's number there.
    late : bool
        Whether Canvas says so.
    files : dict of str to callable
        Name to a function that returns the file's bytes, or raises `UnreadableError`.
    problem : str
        Why it cannot be graded, as when two students' files have one number.
    front : str
        How the name of a file begins that the system takes back for this student.
    """

    student: str
    system: str
    id: str
    late: bool
    files: dict[str, Callable]
    problem: str = ""
    front: str = ""

    def read(self, suffix, like):
        """Return the files with that suffix, and their bytes or why they cannot be read; zips are looked into.

        Parameters
        ----------
        suffix : str
        like : str
            The file of this name comes first, then those whose names begin so.

        Returns
        -------
        list of (str, bytes or UnreadableError)
            Never empty: if there is no such file, the error says what there is.
        """
        files = list(_unpacked(list(self.files.items()), [MOST_ZIPS]))
        named = [(name, read) for name, read in files if name.lower().endswith(suffix)]
        named = named or [(name, read) for name, read in files if suffix == ".ipynb" and not name.endswith(".npz")]
        found, size = [], 0
        named.sort(key=lambda file: _unlike(PurePosixPath(file[0]).name, like + suffix))
        for name, read in named[:MOST_LOOKED_AT]:
            if size > MOST_READ:
                found.append((name, UnreadableError("together the files are too large")))
                continue
            try:
                data = _read(read)
            except UnreadableError as error:
                data = error
            else:
                size += len(data)
                if not name.lower().endswith(suffix) and not _is_notebook(data):
                    continue
                elif suffix == ".npz" and len(data) > LARGEST_MODEL:
                    data = UnreadableError(f"it is larger than {LARGEST_MODEL / 2**20:g} MiB")
            found.append((name, data))
        there = ", ".join(name for name, _ in files[:5]) + (", ..." if len(files) > 5 else "")
        return found or [("", UnreadableError(f"no {suffix} file was handed in, but {there or 'nothing'}"))]

    def file(self, suffix, like):
        """Return name and bytes of the first of these files.

        Raises
        ------
        UnreadableError
        """
        name, data = self.read(suffix, like)[0]
        if isinstance(data, UnreadableError):
            raise data
        return name, data


def _unlike(name, wanted):
    """Return a key that sorts names by how unlike they are to the one that is wanted."""
    return (
        name.casefold() != wanted.casefold(),
        not name.casefold().startswith(wanted.partition(".")[0].casefold()),
        name,
    )


def _is_notebook(data):
    return data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and b'"cell_type"' in data


def _unpacked(files, zips, depth=2):
    """List files, and in place of each zip what is in it; ``zips`` counts how many may yet be opened."""
    for name, read in files:
        if not name.lower().endswith(".zip"):
            yield name, read
            continue
        try:
            zips[0] -= 1
            if zips[0] < 0 or not depth:
                raise UnreadableError("it is a zip within zips, which is not opened")
            members = _members(_read(read), MOST_IN_A_STUDENTS_ZIP)
        except UnreadableError as error:
            yield name, partial(_fail, error)
        else:
            paths = [(_path(inner), opened) for inner, opened in members]
            inner = [(f"{name}/{path.name}", opened) for path, opened in paths if not _ignored(path)]
            yield from _unpacked(inner, zips, depth - 1)


def _path(name):
    """Return a file's name as a path that leads nowhere else."""
    return PurePosixPath(*(part for part in PurePosixPath(name).parts if part not in ("/", "..")))


def _ignored(path):
    return any(IGNORED.match(part) for part in path.parts or ".")


def _fail(error):
    raise error


def collect(path, assignment):
    """Find what was handed in.

    Parameters
    ----------
    path : str or Path
        A folder, a zip as Canvas or Moodle let one download it, a zip of a folder, or one notebook.
    assignment : str
        Its name, such as ``"A1"``.

    Returns
    -------
    list of Submission
        Sorted by student.

    Raises
    ------
    ValueError
        If there is nothing at ``path``.
    """
    path = Path(path)
    if path.is_dir():
        entries = files_in(path)
    elif path.suffix.lower() == ".zip" and path.is_file():
        try:
            entries = _members(path, MOST_FILES)
        except UnreadableError as error:
            raise ValueError(f"submissions must be a folder or a zip, and {path}: {error}") from None
    elif path.is_file():
        entries = [(path.name, lambda: _bounded(path.open("rb")))]
    else:
        raise ValueError(f"submissions must be a folder or a zip, and there is no {path}")
    entries = [(_path(name), read) for name, read in entries]
    entries = [(name, read) for name, read in entries if not _ignored(name)]
    if len({name.parts[0] for name, _ in entries}) == 1 and sum(name.suffix == ".ipynb" for name, _ in entries) > 1:
        entries = [(PurePosixPath(*name.parts[1:]), read) for name, read in entries if len(name.parts) > 1] or entries

    grouped, sources = {}, {}
    for name, read in sorted(entries, key=lambda entry: str(entry[0])):
        system, identity, source, late, file = _whose(name)
        sources.setdefault((system, identity), set()).add(source)
        entry = grouped.setdefault((clean(source.rstrip("/")), system, identity, source), [False, {}, ""])
        entry[0] |= late
        if not entry[2] or file.lower().endswith(".ipynb"):
            entry[2] = _front(system, identity, source, name.parts[0], file)
        entry[1][file if file not in entry[1] else str(name)] = read  # two of one name, in two folders
    students = Counter(student.casefold() for student, *_ in grouped)
    taken, submissions = set(), []
    for (student, system, identity, source), (late, files, front) in sorted(grouped.items()):
        name = f"{student} ({identity})" if system and students[student.casefold()] > 1 else student
        while name.casefold() in taken:  # of one name, or of one number
            name = f"{name} (2)"
        taken.add(name.casefold())
        others = ", ".join(sorted(sources[system, identity] - {source}))
        problem = (
            f"{source} and {others} have the same number or name, {identity}; find out whose it is" if others else ""
        )
        submissions.append(Submission(name, system, identity, late, files, problem, front))
    if not submissions:
        raise ValueError(f"submissions must hold at least one file, and there is none in {path}")
    return sorted(submissions, key=lambda submission: (submission.student.casefold(), submission.id))


def _whose(name):
    """Tell from the top of a file's path whose it is: (system, id, where it comes from, late, the file's own name)."""
    top, in_folder = name.parts[0], len(name.parts) > 1
    if match := (MOODLE_FOLDER if in_folder else MOODLE).match(top):
        return "moodle", match["id"], match["name"], False, name.name if in_folder else match["file"] or name.name
    if match := not in_folder and CANVAS.match(top):
        identity = match["id"] or match["anonymous"]
        return "canvas", identity, match["name"] or identity, bool(match["late"]), match["file"]
    return ("", top, f"{top}/", False, name.name) if in_folder else ("", name.stem, name.stem, False, name.name)


def _front(system, identity, source, top, file):
    """Return how a file's name begins that goes back: Moodle reads a number in it, and Canvas two."""
    if system == "moodle":
        return f"{source.replace('_', ' ').lstrip(' .~')}_{identity}_assignsubmission_file_"
    return top.removesuffix(file) if system == "canvas" else ""


def clean(name):
    r"""Return a student's name such that it can neither leave a folder nor be a formula in a spreadsheet.

    Letters of any script stay, with their marks and joiners.

    Examples
    --------
    >>> clean("=Jo Ana/Jr."), clean("Zoe\u0308") == "Zo\u00eb"
    ('_Jo Ana_Jr.', True)
    """
    name = unicodedata.normalize("NFC", name)
    name = "".join(character if _stands_in_names(character) else "_" for character in name)
    return " ".join(name.split())[:80].lstrip(" .,@+-").rstrip() or "nameless"


def _stands_in_names(character):
    return unicodedata.category(character)[0] in "LMN" or character.isspace() or character in NAMES_HAVE


def files_in(folder):
    """List the files in a folder; links are not followed, and say so when they are read."""
    entries = []
    for parent, folders, files in os.walk(folder):
        for path in (Path(parent, name) for name in (*folders, *files)):
            if path.is_symlink():
                entries.append((path.relative_to(folder).as_posix(), _link))
            elif path.is_file():
                entries.append((path.relative_to(folder).as_posix(), lambda path=path: _bounded(path.open("rb"))))
        if len(entries) > MOST_FILES:
            raise ValueError(f"submissions must be at most {MOST_FILES:,} files")
    return sorted(entries, key=lambda entry: entry[0])


def _members(source, most):
    """List the files in a zip (its path, or its bytes)."""

    def opened():
        return zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)

    def read(info):
        with opened() as archive:
            return _bounded(archive.open(info))

    if isinstance(source, bytes) and source.count(b"PK\1\2") > 100 * most:  # a list of members that fills memory
        raise UnreadableError(f"the zip holds more than {most:,} files")
    try:
        with opened() as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
    except Exception as error:  # whatever a broken or malicious zip makes zipfile raise
        raise UnreadableError(f"it is not a zip that can be read: {type(error).__name__}") from None
    if len(members) > most:
        raise UnreadableError(f"the zip holds more than {most:,} files")
    return [
        (
            _name(info),
            _link
            if stat.S_ISLNK(info.external_attr >> 16)
            else _foreign
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
            else lambda info=info: read(info),
        )
        for info in members
    ]


def _name(info):
    """Return a member's name; where a zip does not say how it is encoded, it is most often UTF-8."""
    if not info.flag_bits & 0x800:
        with contextlib.suppress(UnicodeError):
            return info.filename.encode("cp437").decode("utf-8")
    return info.filename


def _read(read):
    try:
        return read()
    except UnreadableError:
        raise
    except Exception as error:
        raise UnreadableError(f"it cannot be read: {type(error).__name__}") from None


def _bounded(stream):
    with stream:
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise UnreadableError(f"it is larger than {LARGEST / 2**20:g} MiB")
    return data


def _link():
    raise UnreadableError("it is a link to another file, which is not followed")


def _foreign():
    raise UnreadableError("the zip uses a compression that the grader does not read")
