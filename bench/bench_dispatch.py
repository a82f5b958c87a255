# SPDX-License-Identifier: MIT
"""Measures a cycle of a dispatch monitor with nothing to do, and how near it is to what the vendor's answers take.

The peer is a client that does nothing but ask, as often and as many at a time: what remains is the machine's.
"""
import asyncio
import json
import multiprocessing
import pathlib
import re
import resource
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "e2e"))

from dispatch import FAR, SMS_NOTES  # noqa: E402 (found beside the tests)
from harness import Bmad  # noqa: E402
from vendor import confirmed, lit_row, requested, told  # noqa: E402

ANSWER_S = 0.02
WIDTH = 8
DISPATCHES = int(sys.argv[1]) if len(sys.argv) > 1 else 10000


def ticket_of(number):
    name = f"DIS{number}"
    return {"ticketNotes": [{"noteValue": text} for text in (requested(name), confirmed(name), *told(name, *SMS_NOTES))]}


def answer(path, port):
    if path.startswith("/services/Soap"):
        return f"<a><serverUrl>http://127.0.0.1:{port}/</serverUrl><sessionId>session</sessionId></a>"
    if path.startswith("/services/apexrest"):
        rows = [lit_row(f"DIS{number}", str(number)) for number in range(1, DISPATCHES + 1)]
        return json.dumps({"Status": "Success", "DispatchList": rows})
    found = re.match(r"/api/Ticket/(\d+)/", path)
    return json.dumps(ticket_of(found.group(1)) if found else {"access_token": "token"})


async def serve(reader, writer):
    port = writer.get_extra_info("sockname")[1]
    while head := await reader.readuntil(b"\r\n\r\n"):
        length = re.search(rb"content-length: *(\d+)", head, re.I)
        await reader.readexactly(int(length.group(1)) if length else 0)
        await asyncio.sleep(ANSWER_S)
        body = answer(head.split()[1].decode(), port).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def server(ports):
    async def run():
        listener = await asyncio.start_server(serve, "127.0.0.1", 0)
        ports.put(listener.sockets[0].getsockname()[1])
        await listener.serve_forever()

    asyncio.run(run())


async def bare_client(port, calls):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(calls):
        writer.write(b"GET /api/Ticket/1/details HTTP/1.1\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(re.search(rb"Length: (\d+)", head).group(1)))


async def bare(port):
    begun = time.monotonic()
    await asyncio.gather(*[bare_client(port, DISPATCHES // WIDTH) for _ in range(WIDTH)])
    return time.monotonic() - begun


def cycle(folder, port):
    base = f"http://127.0.0.1:{port}"
    bmad = Bmad(
        folder,
        apis={"lit": {"type": "salesforce", "login_base": base, "username": "us", "password": "word"},
              "bruin": {"type": "bruin", "base_url": base, "login_url": base, "client_id": "us", "client_secret": "word"}},
        channels={"notes": {"type": "bruin_note", "api": "bruin"},
                  "texts": {"type": "sms", "url": base + "/sms", "account_sid": "AC1", "auth_token": "word", "from": "+12025550100"}},
        jobs={"lit": {"module": "dispatch_lit", "schedule": "0 0 1 1 *",
                      "options": {"vendor": "lit", "notes": "notes", "sms": "texts", "concurrency": WIDTH}}},
    )
    done = bmad.command("--once", "lit", "--at", FAR, timeout=600)
    assert done.returncode == 0 and f"value.ours={DISPATCHES} " in done.stderr, done.stderr[-2000:]
    return int(re.search(r"event=run_succeeded.* ms=(\d+)", done.stderr).group(1)) / 1000


def main():
    ports = multiprocessing.Queue()
    process = multiprocessing.Process(target=server, args=(ports,), daemon=True)
    process.start()
    port = ports.get()
    ideal = DISPATCHES * ANSWER_S / WIDTH
    peer = asyncio.run(bare(port))
    with tempfile.TemporaryDirectory() as folder:
        taken = cycle(folder, port)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    work = f"{DISPATCHES} dispatches, nothing to do, 20 ms an answer"
    mine = f"{taken:.1f} s, {taken / ideal:.2f} x the answers, {usage.ru_maxrss / 1024:.0f} MiB at most"
    print(f"{work:<58}  {mine:<58}  bare client {peer:.1f} s, {peer / ideal:.2f} x")
    process.terminate()


main()
