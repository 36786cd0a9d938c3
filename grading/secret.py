"""What is drawn from the instructor's secret: integers, each a pure function of the secret and of its name."""

import hashlib
import hmac
from pathlib import Path

import numpy as np

PUBLIC = b"practice"  # what the practice variant is drawn from: everybody knows it
EDITION = b"Frames in Time, the key of one edition: "  # how the file begins that holds one


class Draw:
    """Integers drawn from a secret, without state.

    Parameters
    ----------
    key : bytes
        The secret.
    *names : str
        What is drawn: an assignment, a question, ...

    Examples
    --------
    >>> draw = Draw(b"a secret", "A1", "conv3d")
    >>> draw.integer("stride", 1, 3) == Draw(b"a secret", "A1", "conv3d").integer("stride", 1, 3)
    True
    >>> draw.array("clip", (2, 3), 0, 9).shape
    (2, 3)
    """

    def __init__(self, key, *names):
        self._key, self._names = key, names

    def under(self, *names):
        """Return the `Draw` of what belongs to this one under further names."""
        return Draw(self._key, *self._names, *names)

    def digest(self, name):
        """Return 32 bytes: the HMAC-SHA256 of all names."""
        message = b"".join(len(part).to_bytes(4, "big") + part for part in map(_bytes, (*self._names, name)))
        return hmac.new(self._key, message, hashlib.sha256).digest()

    def integer(self, name, low, high):
        """Return one integer from ``low`` to ``high``."""
        return low + int.from_bytes(self.digest(name)[:8], "big") % (high - low + 1)

    def choice(self, name, options):
        """Return one of ``options``, a sequence."""
        return options[self.integer(name, 0, len(options) - 1)]

    def array(self, name, shape, low, high):
        """Return integers from ``low`` to ``high``, int64 of ``shape``."""
        words = hashlib.shake_256(self.digest(name)).digest(4 * int(np.prod(shape)))
        return low + np.frombuffer(words, "<u4").astype(np.int64).reshape(shape) % (high - low + 1)

    def order(self, name, n):
        """Return the numbers from 0 to ``n`` - 1 in a drawn order, int64 (n,)."""
        return np.argsort(self.array(name, (n,), 0, 2**32 - 1), kind="stable")


def edition(key, name):
    """Return the key of one assignment's edition: all that is drawn for it comes from this key alone.

    It tells nothing of the secret that it is made from, nor of the other assignments, so it can be published.

    Parameters
    ----------
    key : bytes
        The secret; or what `published` made of an edition's key.
    name : str
        The assignment.

    Raises
    ------
    ValueError
        If the key is that of another assignment's edition.

    Examples
    --------
    >>> edition(published(edition(b"a secret", "A1"), "A1"), "A1") == edition(b"a secret", "A1")
    True
    """
    if not key.startswith(EDITION):
        return Draw(key, "edition").digest(name)
    try:
        whose, digits = key.removeprefix(EDITION).decode().split()
        own = bytes.fromhex(digits)
    except ValueError:
        raise ValueError("secret begins like the key of an edition but is not one") from None
    if whose != name:
        raise ValueError(f"secret must be the class's secret, or the key of {name}'s edition, not of {whose}'s")
    return own


def published(own, name):
    """Return an edition's key as the text of its file, as bytes."""
    return EDITION + f"{name} {own.hex()}\n".encode()


def seen_by_others(path):
    """Return whether somebody else on this machine can read a file."""
    return bool(Path(path).expanduser().stat().st_mode & 0o044)


def _bytes(part):
    return str(part).encode()


def read(path, repository):
    """Return the bytes of the secret's file, or say why it cannot be one.

    Raises
    ------
    ValueError
        If the file cannot be read, is empty, or lies in the ``repository``, whose files are public.
    """
    path = Path(path).expanduser().resolve()  # not every shell does so after an =
    if path.is_relative_to(Path(repository).resolve()):
        raise ValueError(
            f"secret must be a file outside the repository, not {path.name}: what lies in there gets published"
        )
    try:
        key = path.read_bytes()
    except OSError as error:
        raise ValueError(f"secret must be a file that can be read, not {path}: {error.strerror}") from None
    if not key:
        raise ValueError(f"secret must be a file with a secret in it; {path} is empty")
    return key
