"""The ways to start the hub: under gunicorn, and on gevent alone."""
