"""Serve a folder on the loopback for as long as standard input is open.

``python serve.py FOLDER`` prints the port; with a second word, whichever, text is sent compressed, as by web servers.
"""

import gzip
import io
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TEXT = {".css", ".html", ".js", ".svg"}


class Compressing(SimpleHTTPRequestHandler):
    """What is text is sent with gzip."""

    def send_head(self):
        """Send the head of an answer; return what comes after it, a file."""
        path = Path(self.translate_path(self.path))
        if path.suffix not in TEXT or not path.is_file() or "gzip" not in self.headers.get("Accept-Encoding", ""):
            return super().send_head()
        body = gzip.compress(path.read_bytes())
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=600")
        self.end_headers()
        return io.BytesIO(body)


def main(folder, compressed=""):
    """Serve until standard input ends, which it does with whoever holds its other end."""
    handler = Compressing if compressed else SimpleHTTPRequestHandler
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_port, flush=True)
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
