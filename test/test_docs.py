"""What the pages say must be what the code does."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#\s]+)\)", page.read_text()):
        if "://" not in link:
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


@pytest.mark.parametrize("name", ["locate", "scene_graph", "follow"])
def test_parameter_table_is_that_of_the_node(name):
    pytest.importorskip("rclpy")
    settings = pytest.importorskip(f"spatial_llava_ros.nodes.{name}").SETTINGS
    section = (ROOT / "docs" / "ros.md").read_text().split(f"### Parameters of {name}\n")[1].split("\n#")[0]
    rows = re.findall(r"^\| `([\w.]+)` \| `(.+?)` \| (.+?) \|$", section, re.M)
    table = {name: (default, meaning) for name, default, meaning in rows}
    assert set(table) == {setting.name for setting in settings}
    for setting in settings:
        default, meaning = table[setting.name]
        assert default == repr(setting.default)
        assert meaning.startswith(setting.meaning.split(";")[0])


def test_commands_in_the_readme_exist():
    from spatial_llava_ros.cli.main import COMMANDS

    for command in re.findall(r"^spatial-llava (\w+)", (ROOT / "README.md").read_text(), re.M):
        assert command in COMMANDS
