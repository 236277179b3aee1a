"""An operator, who asks a hub's API."""

from urllib.parse import quote

TOKEN = "an-admin-token-for-tests"


class Operator:
    """Asks an app in this process. below: where it has put what operators get."""

    def __init__(self, app, below=""):
        self._browser = app.test_client()
        self._below = f"{below}/api"

    def ask(self, method, path, **more):
        """The answer."""
        more.setdefault("headers", {"Authorization": f"Bearer {TOKEN}"})
        return self._browser.open(f"{self._below}{path}", method=method, **more)

    def get(self, path, **query):
        """The JSON of the answer, which must be 200."""
        answer = self.ask("GET", path, query_string=query)
        assert answer.status_code == 200, answer.text
        return answer.json

    def refused(self, method, path, **more):
        """The status of an answer that must be an error, and what it says."""
        answer = self.ask(method, path, **more)
        assert answer.status_code >= 400
        assert set(answer.json) == {"error"}
        return answer.status_code, answer.json["error"]

    def close(self, path):
        """The status of closing it."""
        return self.ask("DELETE", path).status_code


def path_of(app="chat", name="lobby", version="1.0.0"):
    """Where a room is."""
    return "/rooms/" + "/".join(quote(part, safe="") for part in (app, version, name))
