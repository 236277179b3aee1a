"""All pages: what they link to is there, and each setting that they name is one."""

import re
from pathlib import Path

import pytest

from piehub.settings import FIELDS

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("", "docs", "examples", "benchmarks")
PAGES = [page for folder in FOLDERS for page in sorted((ROOT / folder).glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s#]*)#?([^)\s]*)\)")  # a path, and a heading's anchor


def anchors(page):
    """As the repository's host makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page):
    for path, anchor in LINK.findall(page.read_text()):
        if "://" in path:
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_setting_that_a_page_names_is_one(page):
    assert set(re.findall(r"\bPIEHUB_[A-Z_]*[A-Z]\b", page.read_text())) <= FIELDS.keys()
