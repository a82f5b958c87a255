# SPDX-License-Identifier: MIT
"""A PostgreSQL server of its own for tests, in a temporary folder.

    with Server() as server:
        server.sql("create table t (id integer)")
        url = server.url(user="reader", sslmode="require")
        server.restart()

It listens on a unix socket and on a loopback port, ends with the thread that started it, however that
ends, and trusts everybody but the users of PASSWORDS, who need theirs on the port. Without the
programs of PostgreSQL, Server() raises Unavailable, which says what is missing.

For tests that are no Python, `postgres.py serve` starts one, prints its url, obeys `restart` and `stop` on its
standard input, answering each with `ok`, and ends at its end; status 3: there can be no server.
"""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from urllib.parse import quote, urlencode

FOLDERS = [*sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
PASSWORDS = {"guarded": "Pa:ss/w@rd"}
SETTINGS = {"fsync": "off", "max_connections": "20", "shared_buffers": "16MB", "log_timezone": "UTC",
            "ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key"}
START_S = 30


class Unavailable(Exception):
    """No server can be started here."""


def program(name):
    for folder in FOLDERS:
        if (folder / name).exists():
            return folder / name
    found = shutil.which(name)
    if not found:
        raise Unavailable(f"PostgreSQL's {name} is not installed")
    return pathlib.Path(found)


def as_owner():
    """The words that a command begins with: the server refuses to run as root."""
    if not shutil.which("setpriv"):
        raise Unavailable("setpriv is not installed")
    if os.geteuid() != 0:
        return ["setpriv"]
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        raise Unavailable("there is no user postgres, and root may not run the server") from None
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise AssertionError(f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


class Server:
    def __init__(self):
        self.owner = as_owner()
        self.programs = {name: program(name) for name in ("initdb", "postgres", "psql", "pg_isready")}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bmad-pg-"))
        self.data = self.folder / "data"
        self.port = free_port()
        self.process = None
        try:
            self.initialise()
            self.start()
        except BaseException:
            self.close()
            raise

    def initialise(self):
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        run(*self.owner, self.programs["initdb"], "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
            "--locale=C", "--no-sync", "--no-instructions", cwd="/")
        guarded = "".join(f"host all {user} all scram-sha-256\n" for user in PASSWORDS)
        rules = self.data / "pg_hba.conf"
        rules.write_text(guarded + rules.read_text())
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost", "-keyout", self.data / "server.key",
            "-out", self.data / "server.crt")
        os.chmod(self.data / "server.key", 0o600)
        if os.geteuid() == 0:
            shutil.chown(self.data / "server.key", "postgres", "postgres")

    # -- the process

    def start(self):
        settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [*self.owner, "--pdeathsig", "INT", self.programs["postgres"], "-D", self.data, "-k", self.folder,
                 "-h", "127.0.0.1", "-p", str(self.port), *settings],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
        end = time.monotonic() + START_S
        while subprocess.run([self.programs["pg_isready"], "-q", "-h", self.folder, "-p", str(self.port)],
                             check=False).returncode:
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the server did not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self, how=signal.SIGINT):
        """SIGINT: sessions are told and ended; SIGQUIT: as a crash."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(START_S)
        self.process = None

    def restart(self, how=signal.SIGINT):
        self.stop(how)
        self.start()

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- using it

    def url(self, database="postgres", user="postgres", password=None, tcp=False, scheme="postgresql", **parameters):
        """Through the socket, or through the loopback port (`tcp`)."""
        login = user if password is None else f"{user}:{quote(password, safe='')}"
        place = f"localhost:{self.port}" if tcp else ""
        if not tcp:
            parameters = {"host": str(self.folder), "port": self.port, **parameters}
        elif "hostaddr" not in parameters:
            parameters = {"hostaddr": "127.0.0.1", **parameters}
        return f"{scheme}://{login}@{place}/{database}?{urlencode(parameters)}"

    def sql(self, text, database="postgres"):
        """Runs statements; the rows of the last, as lines of fields parted by `|`."""
        return run(self.programs["psql"], "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                   self.url(database), "-f", "-", input=text).splitlines()

    def load(self, path, schema, database):
        """Makes DATABASE, with the tables of the file SCHEMA and the rows of the SQLite database PATH."""
        self.sql(f"create database {database}")
        script = [pathlib.Path(schema).read_text(encoding="utf-8"), "set session_replication_role = replica;"]
        plant = sqlite3.connect(path)
        for (table,) in plant.execute("select name from sqlite_master where type = 'table'").fetchall():
            script.append(f"copy {table} from stdin;")
            script.extend("\t".join(map(copy_field, row)) for row in plant.execute(f"select * from {table}"))
            script.append("\\.")
        plant.close()
        self.sql("\n".join(script) + "\nanalyze;\n", database)


def copy_field(value):
    if value is None:
        return "\\N"
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def serve():
    with Server() as server:
        commands = {"restart": server.restart, "stop": server.stop, "start": server.start,
                    "crash": lambda: server.restart(signal.SIGQUIT)}
        print(server.url(), flush=True)
        for line in sys.stdin:
            commands[line.strip()]()
            print("ok", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] != ["serve"]:
        sys.exit("usage: postgres.py serve")
    try:
        serve()
    except Unavailable as e:
        print(e, file=sys.stderr)
        sys.exit(3)
