"""The hub that the soak starts: piehub's own, with a way to look inside, and at its clock."""

import gc
import sys
import time

import gevent
from flask import request

from piehub import create_app

app = create_app()
hub = app.extensions["piehub"]

real_time, real_time_ns = time.time, time.time_ns


@app.get("/soak")
def look():
    """What there is of things that ought to go when their clients do."""
    gc.collect()
    rooms, clients = hub.registry.counts()
    # By type(): isinstance would follow weak proxies to what is gone.
    found = (thing for thing in gc.get_objects() if issubclass(type(thing), gevent.Greenlet))
    return {
        "clients": clients,
        "rooms": rooms,
        "heartbeat": len(hub.heartbeat),
        "greenlets": sum(not greenlet.dead for greenlet in found),
        "blocks": sys.getallocatedblocks(),
    }


@app.post("/soak/clock")
def set_clock():
    """Let the wall clock be so many seconds ahead, for all Python code of this process."""
    ahead = int(request.args["ahead"])
    time.time = lambda: real_time() + ahead
    time.time_ns = lambda: real_time_ns() + ahead * 1_000_000_000
    return {}
