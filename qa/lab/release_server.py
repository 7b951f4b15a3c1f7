"""A static web server for releases that counts what it gives, and can be slow, poor or a liar."""

import itertools
import re
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class ReleaseServer:
    """behaviour: what is wrong with it, for files whose name ends with `only`:
    good, plain (no ranges), shifted (another range), garbled (a byte of each answer), html, redirect (to file:///),
    large (more than was asked for), short (less, and the end), reset (a byte, then the connection goes), stall (a byte, then nothing),
    elsewhere (a redirect to `elsewhere`), encoded, replaced (another ETag each time), multipart, gone (404), busy (503 the first times), endless (headers without end)."""

    def __init__(self, folder, behaviour="good", only="", drop_every=None, busy=0, certificate=None, elsewhere="", pace=None):
        """certificate: files of a certificate and its key, for HTTPS. pace: bytes a second that a connection gives."""
        self.pace = pace
        self.elsewhere, self.scheme = elsewhere, "https" if certificate else "http"
        self.folder, self.behaviour, self.only, self.drop_every, self.busy = Path(folder), behaviour, only, drop_every, busy
        self.bytes, self.requests, self.proxied, self.started = 0, 0, 0, time.monotonic()
        self.log, self.drops = [], 0  # (when, file, bytes that went out then); answers that were not given, or cut off, because the network was down
        self.tags = itertools.count()
        self.lock = threading.Lock()
        handler = type("Handler", (Handler,), {"owner": self})
        self.httpd = ThreadingHTTPServer(("0.0.0.0", 0), handler)
        self.httpd.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.httpd.socket = context.wrap_socket(self.httpd.socket, server_side=True)
        self.thread = threading.Thread(target=self.httpd.serve_forever, daemon=True)

    @property
    def port(self):
        return self.httpd.server_address[1]

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.httpd.shutdown()
        self.httpd.server_close()

    def count(self, name, sent):
        with self.lock:
            self.bytes += sent
            self.log.append((time.monotonic(), name, sent))

    def network_is_down(self):
        """Of each period of so many seconds the last second. Who asks lets go of its connection then."""
        down = self.drop_every is not None and (time.monotonic() - self.started) % self.drop_every > self.drop_every - 1
        with self.lock:
            self.drops += down
        return down


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner = None

    def log_message(self, *_):
        pass

    def answer(self, status, headers, body=b""):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def end(self):
        self.close_connection = True
        self.connection.close()

    def do_GET(self):
        owner = self.owner
        with owner.lock:
            owner.requests += 1
        if self.path.startswith("http://"):  # it is asked as a proxy
            owner.proxied += 1
            self.path = "/" + self.path.split("/", 3)[3]
        path = owner.folder / self.path.lstrip("/").split("?")[0]
        if not path.is_file() or ".." in self.path:
            return self.answer(404, {"Content-Length": "0"})
        if owner.network_is_down():
            return self.end()
        size = path.stat().st_size
        if "," in self.headers.get("Range", ""):
            return self.multi(path, size, self.headers["Range"])
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        first, last = (int(asked[1]), min(int(asked[2]), size - 1)) if asked else (0, size - 1)
        how = owner.behaviour if path.name.endswith(owner.only) else "good"
        try:
            getattr(self, f"how_{how}")(path, size, bool(asked), first, last)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def multi(self, path, size, ranges):
        """Several ranges in one answer (RFC 9110, section 14.6), which zsync asks for."""
        pieces = []
        for first, last in re.findall(r"(\d+)-(\d+)", ranges):
            head = f"\r\n--loam\r\nContent-Range: bytes {first}-{last}/{size}\r\n\r\n".encode()
            with path.open("rb") as file:
                file.seek(int(first))
                pieces.append(head + file.read(int(last) - int(first) + 1))
        body = b"".join(pieces) + b"\r\n--loam--\r\n"
        self.owner.count(path.name, len(body))
        self.answer(206, {"Content-Type": "multipart/byteranges; boundary=loam", "Content-Length": str(len(body))}, body)

    def send(self, path, first, last, garble=False):
        with path.open("rb") as file:
            file.seek(first)
            left = last - first + 1
            while left > 0:
                piece = file.read(min(left, 1 << 16))
                if not piece or self.owner.network_is_down():
                    return self.end()
                if garble:
                    piece = bytes([piece[0] ^ 1]) + piece[1:]
                self.wfile.write(piece)
                self.owner.count(path.name, len(piece))
                left -= len(piece)
                if self.owner.pace:
                    time.sleep(len(piece) / self.owner.pace)

    def head(self, path, size, ranged, first, last, **more):
        length = last - first + 1
        headers = {"Content-Length": str(length), "ETag": f'"{size}"', "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        if ranged:
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        self.answer(206 if ranged else 200, headers)

    def how_good(self, path, size, ranged, first, last):
        self.head(path, size, ranged, first, last)
        self.send(path, first, last)

    def how_plain(self, path, size, ranged, first, last):
        self.how_good(path, size, False, 0, size - 1)

    def how_shifted(self, path, size, ranged, first, last):
        moved = first - 4096 if first >= 4096 else first
        self.head(path, size, ranged, moved, last)
        self.send(path, moved, last)

    def how_lying(self, path, size, ranged, first, last):
        """The right words, other bytes."""
        self.head(path, size, ranged, first, last)
        self.send(path, max(0, first - 4096), max(0, first - 4096) + last - first)

    def how_garbled(self, path, size, ranged, first, last):
        self.head(path, size, ranged, first, last)
        self.send(path, first, last, garble=True)

    def how_html(self, path, size, ranged, first, last):
        self.answer(200, {"Content-Type": "text/html", "Content-Length": "26"}, b"<html>please log in</html>")

    def how_redirect(self, path, size, ranged, first, last):
        self.answer(302, {"Location": f"file://{path}", "Content-Length": "0"})

    def how_elsewhere(self, path, size, ranged, first, last):
        self.answer(302, {"Location": f"{self.owner.elsewhere}/{path.name}", "Content-Length": "0"})

    def how_large(self, path, size, ranged, first, last):
        self.head(path, size, ranged, first, last, Content_Length=str(size))
        self.send(path, first, size - 1)

    def how_short(self, path, size, ranged, first, last):
        self.head(path, size, ranged, first, last)
        self.send(path, first, first + (last - first) // 2)
        self.end()

    def how_reset(self, path, size, ranged, first, last):
        self.head(path, size, ranged, first, last)
        self.send(path, first, first)
        self.end()

    def how_stall(self, path, size, ranged, first, last):
        self.head(path, size, ranged, first, last)
        self.send(path, first, first)
        self.wfile.flush()
        time.sleep(600)  # what is tested is that nobody waits for this

    def how_encoded(self, path, size, ranged, first, last):
        self.head(path, size, ranged, first, last, Content_Encoding="gzip")
        self.send(path, first, last)

    def how_replaced(self, path, size, ranged, first, last):
        self.head(path, size, ranged, first, last, ETag=f'"{next(self.owner.tags)}"')
        self.send(path, first, last)

    def how_multipart(self, path, size, ranged, first, last):
        self.answer(206, {"Content-Type": "multipart/byteranges; boundary=x", "Content-Length": "8"}, b"--x--\r\n\n")

    def how_gone(self, path, size, ranged, first, last):
        self.answer(404, {"Content-Length": "0"})

    def how_busy(self, path, size, ranged, first, last):
        with self.owner.lock:
            self.owner.busy -= 1
        if self.owner.busy >= 0:
            return self.answer(503, {"Content-Length": "0"})
        self.how_good(path, size, ranged, first, last)

    def how_endless(self, path, size, ranged, first, last):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.wfile.write(b"X-More: " + b"x" * 1000 + b"\r\n")
