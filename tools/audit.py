"""Look for known vulnerabilities in all that is installed here; pip-audit knows them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

COMMAND = ["pip-audit", "--local", "--progress-spinner", "off", "--format", "json"]


def main() -> int:
    audit = subprocess.run(
        [Path(sys.executable).parent / COMMAND[0], *COMMAND[1:]],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        packages = json.loads(audit.stdout)["dependencies"]
    except ValueError:
        print(f"audit: nothing was looked up\n{audit.stderr}", file=sys.stderr)
        return 1
    faulty = [package for package in packages if package.get("vulns")]
    for package in faulty:
        for fault in package["vulns"]:
            better = ", ".join(fault["fix_versions"]) or "none yet"
            print(f"{package['name']} {package['version']}: {fault['id']}; mended in {better}")
    unknown = sum(1 for package in packages if "skip_reason" in package)
    if unknown == len(packages):
        print(f"audit: NOTHING WAS CHECKED: the registry in use knows none of {unknown} packages")
    else:
        print(
            f"audit: {len(packages) - unknown} packages looked up, {len(faulty)} with known "
            f"vulnerabilities; {unknown} not checked, as the registry in use knows none of them"
        )
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
