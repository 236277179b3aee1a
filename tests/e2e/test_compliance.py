"""The Autobahn cases against compliance/echo.py, under a real gunicorn."""

import json
import subprocess

from tests.support.process import BIN

SECTIONS = [f"{section}.*" for section in (1, 2, 3, 4, 5, 6, 7, 9, 10)]
# Compression: each kind of text and each agreement, in few of the sizes. The others pass too, but
# take minutes.
SECTIONS += [f"12.{kind}.{size}" for kind in range(1, 6) for size in (1, 4, 11)]
SECTIONS += [f"13.{agreement}.{size}" for agreement in range(1, 8) for size in (1, 6)]


def test_every_autobahn_case_passes_strictly(start, tmp_path):
    server = start(["gunicorn", "-k", "gevent", "-b", "127.0.0.1:{port}", "compliance.echo:app"])
    include = [part for section in SECTIONS for part in ("-i", section)]
    address = f"127.0.0.1:{server.port}"
    ran = subprocess.run(
        [BIN / "kosoku", *include, "-p", "2", "-o", tmp_path, address],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    cases = [json.loads(path.read_text()) for path in tmp_path.glob("*_case_*.json")]
    assert len(cases) > 290, ran.stdout + ran.stderr
    verdicts = {case["id"]: {case["behavior"], case["behaviorClose"]} for case in cases}
    # Three cases of section 7 only inform; RFC 6455 leaves open what they probe.
    wrong = {case: got for case, got in verdicts.items() if not got <= {"OK", "INFORMATIONAL"}}
    assert not wrong
    assert "Traceback" not in server.log
