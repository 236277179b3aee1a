"""The WSGI app:  gunicorn -k gevent wsgi:app

Run as a script (python wsgi.py), it serves on gevent alone, without gunicorn, as Windows needs it.
"""

if __name__ == "__main__":
    from gevent import monkey

    monkey.patch_all()

from piehub import create_app

if __name__ == "__main__":
    from piehub.serve import pywsgi

    pywsgi.start(create_app)
else:
    app = create_app()
