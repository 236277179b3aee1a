"""A web site on loopback, for pages that come from elsewhere than the hub."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count


class Site:
    def __init__(self):
        self._pages = {}
        self._numbers = count(1)
        pages = self._pages

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                kind, text = pages.get(self.path, ("text/plain", None))
                self.send_response(200 if text is not None else 404)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.end_headers()
                self.wfile.write((text or "").encode())

            def log_message(self, *args):
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def put(self, text, kind="text/html"):
        """Publish a page, and return its address."""
        path = f"/{next(self._numbers)}"
        self._pages[path] = kind, text
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()
