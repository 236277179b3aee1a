# docker build -t piehub .  &&  docker run --env-file .env -p 8080:8080 piehub
FROM python:3.13-slim

WORKDIR /opt/piehub

# By themselves, so that a change in the hub does not install them anew; all have wheels, as the
# image has no compiler.
COPY requirements.txt ./
RUN pip install --no-cache-dir --only-binary=:all: -r requirements.txt

# Compiled here: the folder is root's, and who runs the hub cannot write to it.
COPY gunicorn.conf.py wsgi.py ./
COPY piehub ./piehub
RUN python -m compileall -q .

# nobody, by number, so that a cluster sees that it is not root.
USER 65534:65534

# What gunicorn touches once a second is in memory, so that a read-only container will do; its
# control socket would want a home.
ENV GUNICORN_CMD_ARGS="--worker-tmp-dir=/dev/shm --no-control-socket"

EXPOSE 8080

# http.client, which goes through no HTTP_PROXY. A hub that drains says 503.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["python", "-c", "import os; from http.client import HTTPConnection; hub = HTTPConnection('127.0.0.1', int(os.environ.get('PORT') or 8080), timeout=4); hub.request('GET', '/healthz'); raise SystemExit(hub.getresponse().status != 200)"]

# Without a shell, so that gunicorn itself gets SIGTERM. It ends within 10 s, all clients told.
CMD ["gunicorn", "-k", "gevent", "wsgi:app"]
