"""pie.js as a package: its types, its size, what npm would publish of it."""

import gzip
import json
import shutil
import subprocess

import pytest

from piehub import __version__
from tests.browser.conftest import HERE, MODULES
from tests.browser.hub import BIN, ROOT

STATIC = ROOT / "piehub" / "web" / "static"
ORIGINAL = MODULES / "@websocketpie" / "client" / "dist" / "src" / "PieClient.d.ts"
BEYOND = """
import PieClient from "the-client";
const pie = new PieClient();
export async function main(): Promise<void> {
  await pie.makeRoom({ app: "chat", name: "lobby", version: "1", history: 10 });
  pie.onRecovery = ({ recovered }) => console.log(recovered ? "all" : "a gap");
  pie.whisper("psst", ["a"]);
  pie.together({ move: 1 }, 7);
  const names: string[] = (await pie.getRooms()).map(({ name }) => name);
  for await (const { payload, seq } of pie.messages({ limit: 5 })) console.log(payload, seq, names);
}
"""


@pytest.mark.parametrize("types", [ORIGINAL, STATIC / "pie.d.ts"], ids=["original", "piehub"])
def test_typescript_written_for_the_original_compiles_with_both(compile_, types):
    compile_((HERE / "pages" / "consumer.ts").read_text(), types)


def test_typescript_knows_what_is_beyond_the_original(compile_):
    compile_(BEYOND, STATIC / "pie.d.ts")


@pytest.fixture
def compile_(tmp_path):
    compiler = MODULES / "typescript" / "bin" / "tsc"
    if not compiler.exists():
        pytest.skip("TypeScript is not installed; `make test-browser` needs npm for that")

    def compile_(text, types):
        (tmp_path / "consumer.ts").write_text(text)
        (tmp_path / "tsconfig.json").write_text(
            json.dumps(
                {
                    "compilerOptions": {
                        "strict": True,
                        "noEmit": True,
                        "target": "es2022",
                        "module": "esnext",
                        "moduleResolution": "bundler",
                        "lib": ["es2022", "dom"],
                        "types": [],
                        "paths": {"the-client": [str(types)]},
                    },
                    "files": ["consumer.ts"],
                }
            )
        )
        done = subprocess.run(
            [BIN / "node", compiler, "--project", tmp_path],
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.stdout
        assert done.returncode == 0

    return compile_


def test_it_is_small():
    assert len(gzip.compress((STATIC / "pie.js").read_bytes(), 9)) < 12_000


def test_npm_packs_the_module_and_its_types(tmp_path):
    npm = shutil.which("npm", path=str(BIN)) or shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm")
    done = subprocess.run(
        [npm, "pack", "--dry-run", "--json", "--offline"],
        cwd=STATIC,
        env={"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    (package,) = json.loads(done.stdout)
    assert {file["path"] for file in package["files"]} == {"package.json", "pie.js", "pie.d.ts"}
    assert package["version"] == __version__
