"""gunicorn's settings for a hub of our own."""

from piehub.serve.gunicorn_conf import *  # noqa: F403

control_socket_disable = True  # which another gunicorn of this user may have
