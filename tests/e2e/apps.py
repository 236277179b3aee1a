"""Flask apps whose own code takes its time."""

import sys
import time

import flask
from flask import Flask

from piehub import PieHub


def say(text):
    print(text, file=sys.stderr, flush=True)


stubborn = Flask("stubborn")
stubborn_pie = PieHub(stubborn)


@stubborn_pie.on_join
def block(client, room):
    say("on_join has begun")
    time.sleep(60)


hesitant = Flask("hesitant")
hesitant_pie = PieHub(hesitant)


@hesitant_pie.authorize
def hesitate():
    if "wait" in flask.request.args:
        say("authorize has begun")
        time.sleep(1)
