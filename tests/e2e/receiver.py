# SPDX-License-Identifier: MIT
"""A real HTTP(S) receiver for tests, with faults on demand.

    with Receiver() as receiver:
        receiver.script("/hook", Status(503, {"Retry-After": "2"}), Status(202))
        ... send to receiver.url("/hook") ...
        receiver.wait(2)
        assert [r.status for r in receiver.requests] == [503, 202]

Every request that arrived whole is recorded before it is answered, with its path, header fields, body and
time. What a path answers is a list of behaviours, one per request; the last one stays. Without a script
the answer is 202. Everything is thread-safe; one thread serves one connection.
"""

import collections
import email.utils
import json
import os
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time


class Request:
    """One request as it arrived."""

    def __init__(self, method, target, headers, body, connection):
        self.method = method
        self.target = target
        self.path = target.split("?", 1)[0]
        self.headers = headers  # lower-case names
        self.body = body
        self.connection = connection  # number of the connection it came over
        self.time = time.monotonic()
        self.status = None  # what was answered; None: no status went out

    @property
    def id(self):
        """The message id: webhook-id, else the idempotency key, else the envelope's id, else the body."""
        for name in ("webhook-id", "idempotency-key"):
            if name in self.headers:
                return self.headers[name].strip('"')
        try:
            return json.loads(self.body)["id"]
        except (ValueError, KeyError, TypeError):
            return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)


# -- behaviours: what a path answers ------------------------------------------------------------------


class Status:
    """An ordinary answer."""

    def __init__(self, status=202, headers=None, body=b"", delay=0.0):
        self.status = status
        self.headers = dict(headers or {})
        self.body = body.encode() if isinstance(body, str) else body
        self.delay = delay

    def answer(self, connection, request):
        if self.delay:
            connection.server.sleep(self.delay)
        request.status = self.status
        connection.send_head(self.status, {"Content-Length": str(len(self.body)), **self.headers})
        connection.socket.sendall(self.body)
        return True


class RetryAfterDate(Status):
    """Retry-After as a date SECONDS ahead; SKEW is how wrong this server's clock (its Date field) is."""

    def __init__(self, status, seconds, skew=0):
        super().__init__(status)
        self.seconds = seconds
        self.skew = skew

    def answer(self, connection, request):
        now = time.time() + self.skew
        self.headers = {
            "Date": email.utils.formatdate(now, usegmt=True),
            "Retry-After": email.utils.formatdate(now + self.seconds, usegmt=True),
        }
        return super().answer(connection, request)


class Redirect(Status):
    def __init__(self, location, status=302):
        super().__init__(status, {"Location": location})


class Close:
    """The request is taken and the connection closed without a word."""

    def answer(self, connection, request):
        return False


class Reset:
    """The same with a reset instead of an orderly end."""

    def answer(self, connection, request):
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False


class Raw:
    """Any bytes, then the end: garbage, half a header, an answer of HTTP/0.9."""

    def __init__(self, data=b"\x00\xff garbage \r\n\r\n", status=None):
        self.data = data
        self.status = status

    def answer(self, connection, request):
        request.status = self.status
        connection.socket.sendall(self.data)
        return False


class Truncated(Status):
    """A status with a body that ends before its Content-Length."""

    def answer(self, connection, request):
        request.status = self.status
        connection.send_head(self.status, {"Content-Length": str(len(self.body) + 100), **self.headers})
        connection.socket.sendall(self.body)
        return False


class Huge:
    """A body without an end."""

    def __init__(self, status=200):
        self.status = status

    def answer(self, connection, request):
        request.status = self.status
        connection.send_head(self.status, {"Transfer-Encoding": "chunked"})
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        while not connection.server.stopping.is_set():
            connection.socket.sendall(chunk)
        return False


class HugeHeader:
    """A header block without an end."""

    def answer(self, connection, request):
        connection.socket.sendall(b"HTTP/1.1 200 OK\r\n")
        while not connection.server.stopping.is_set():
            connection.socket.sendall(b"X-Filler: " + b"y" * 1000 + b"\r\n")
        return False


class Silence:
    """The request is taken and nothing is ever said."""

    def answer(self, connection, request):
        connection.server.stopping.wait()
        return False


class Drip(Status):
    """The body comes byte by byte, a pause between each."""

    def __init__(self, status=200, body=b"1" * 1000, pause=0.2):
        super().__init__(status, body=body)
        self.pause = pause

    def answer(self, connection, request):
        request.status = self.status
        connection.send_head(self.status, {"Content-Length": str(len(self.body))})
        for byte in self.body:
            connection.socket.sendall(bytes([byte]))
            if connection.server.stopping.wait(self.pause):
                return False
        return True


# -- the server ----------------------------------------------------------------------------------------


class Connection:
    """One connection: reads requests, answers each as its path is scripted."""

    def __init__(self, server, sock, number):
        self.server = server
        self.socket = sock
        self.number = number
        self.buffer = b""

    def send_head(self, status, headers):
        lines = [f"HTTP/1.1 {status} Status"] + [f"{name}: {value}" for name, value in headers.items()]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def fill(self):
        data = self.socket.recv(262144)
        self.buffer += data
        return bool(data)

    def read_request(self):
        while b"\r\n\r\n" not in self.buffer:
            if not self.fill():
                return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        while len(self.buffer) < length:
            if not self.fill():
                return None
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Request(method, target, headers, body, self.number)

    def serve(self):
        try:
            if self.server.tls:
                self.socket = self.server.tls.wrap_socket(self.socket, server_side=True)
            while True:
                request = self.read_request()
                if request is None:
                    return
                behaviour = self.server.record(request)
                if not behaviour.answer(self, request):
                    return
        except (OSError, ValueError):
            pass
        finally:
            try:
                self.socket.close()
            except OSError:
                pass
            self.server.forget(self)


class Receiver:
    """The server. TLS: an ssl.SSLContext, or a Certificates object's (its `.server()`)."""

    def __init__(self, tls=None, port=0, default=None):
        self.tls = tls
        self.default = default or Status(202)
        self.requests = []
        self.stopping = threading.Event()
        self.changed = threading.Condition()
        self.scripts = {}
        self.connections = set()
        self.connections_made = 0
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.thread = None

    def __enter__(self):
        self.listener.listen(512)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopping.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        with self.changed:
            connections = list(self.connections)
        for connection in connections:
            try:
                connection.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        if self.thread:
            self.thread.join(5)

    def accept(self):
        while not self.stopping.is_set():
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.changed:
                self.connections_made += 1
                connection = Connection(self, sock, self.connections_made)
                self.connections.add(connection)
            threading.Thread(target=connection.serve, daemon=True).start()

    def forget(self, connection):
        with self.changed:
            self.connections.discard(connection)

    def sleep(self, seconds):
        self.stopping.wait(seconds)

    def url(self, path="/", host="127.0.0.1"):
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{path}"

    def script(self, path, *behaviours):
        """What PATH answers from now on, one behaviour per request; the last one stays."""
        with self.changed:
            self.scripts[path] = collections.deque(behaviours)

    def record(self, request):
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()
            script = self.scripts.get(request.path)
            if not script:
                return self.default
            return script.popleft() if len(script) > 1 else script[0]

    def wait(self, count, timeout=20.0, path=None):
        """Waits until COUNT requests (of PATH) have come; False if they did not."""
        with self.changed:
            return self.changed.wait_for(lambda: len(self.of(path)) >= count, timeout)

    def of(self, path=None):
        return [r for r in list(self.requests) if path is None or r.path == path]

    def counts(self, path=None, delivered=None):
        """How often each message id came. DELIVERED: only those answered with (True) or without 2xx."""
        found = collections.Counter()
        for request in self.of(path):
            success = request.status is not None and 200 <= request.status < 300
            if delivered is None or delivered == success:
                found[request.id] += 1
        return found


def closed_port():
    """A port where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Certificates:
    """A certificate authority for one test, made with the openssl tool; certificates for names of choice."""

    def __init__(self, folder=None):
        self.folder = folder or tempfile.mkdtemp(prefix="bmad-ca-")
        self.ca = os.path.join(self.folder, "ca.pem")
        self.ca_key = os.path.join(self.folder, "ca.key")
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Test CA",
                     "-keyout", self.ca_key, "-out", self.ca)

    def openssl(self, *args):
        subprocess.run(["openssl", *args], check=True, cwd=self.folder, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def server(self, name="DNS:localhost,IP:127.0.0.1", days=2):
        """A server's context with a certificate for NAME (a subjectAltName)."""
        stem = os.path.join(self.folder, "server-" + "".join(c if c.isalnum() else "_" for c in name))
        with open(stem + ".ext", "w", encoding="ascii") as extensions:
            extensions.write(f"subjectAltName={name}\n")
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=receiver", "-keyout", stem + ".key",
                     "-out", stem + ".csr")
        self.openssl("x509", "-req", "-in", stem + ".csr", "-CA", self.ca, "-CAkey", self.ca_key,
                     "-CAcreateserial", "-days", str(days), "-extfile", stem + ".ext", "-out", stem + ".pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(stem + ".pem", stem + ".key")
        return context
