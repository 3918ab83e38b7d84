"""package.xml is valid and says the same as CMakeLists.txt, setup.py, the messages and the code."""

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import spatial_llava_ros

catkin_pkg = pytest.importorskip("catkin_pkg.package")

ROOT = Path(__file__).resolve().parents[2]
# What REP-149 allows inside <package format="3">.
TAGS = {"name", "version", "description", "maintainer", "license", "url", "author", "build_depend",
        "build_export_depend", "buildtool_depend", "buildtool_export_depend", "exec_depend", "depend", "doc_depend",
        "test_depend", "conflict", "replace", "group_depend", "member_of_group", "export"}  # fmt: skip
STANDARD_MODULES = {"rclpy", "launch", "launch_ros", "ament_index_python", "tf2_ros"}


@pytest.fixture(scope="module")
def package() -> object:
    """package.xml as the build tools read it, which checks names, versions, addresses and duplicates."""
    parsed, warnings = catkin_pkg.parse_package(ROOT / "package.xml"), []
    parsed.validate(warnings=warnings)
    assert warnings == []
    return parsed


def test_tags_are_those_of_format_3() -> None:
    root = ElementTree.parse(ROOT / "package.xml").getroot()
    assert (root.tag, root.attrib) == ("package", {"format": "3"})
    assert {child.tag for child in root} <= TAGS
    assert not [child.tag for child in root if child.tag.endswith("depend") and not (child.text or "").strip()]


def test_one_version_everywhere(package) -> None:
    changelog = (ROOT / "CHANGELOG.rst").read_text()
    assert package.version == spatial_llava_ros.__version__
    assert "Forthcoming\n---" in changelog or f"\n{package.version} (" in changelog


def test_license_is_the_one_named(package) -> None:
    assert package.licenses == ["Apache-2.0"] and package.licenses[0].file == "LICENSE"
    assert "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text()
    assert 'license="Apache-2.0"' in (ROOT / "setup.py").read_text()


def test_cmake_builds_every_interface_file() -> None:
    listed = re.findall(r"^  ((?:msg|srv|action)/\w+\.\w+)$", (ROOT / "CMakeLists.txt").read_text(), re.MULTILINE)
    there = [p.relative_to(ROOT).as_posix() for kind in ("msg", "srv", "action") for p in (ROOT / kind).iterdir()]
    assert sorted(listed) == sorted(there)


def test_what_cmake_finds_is_declared(package) -> None:
    found = set(re.findall(r"find_package\((\w+)", (ROOT / "CMakeLists.txt").read_text()))
    declared = {d.name for d in [*package.buildtool_depends, *package.build_depends, *package.test_depends]}
    assert found <= declared
    assert "rosidl_interface_packages" in {g.name for g in package.member_of_groups}


def test_ros_modules_that_the_code_imports_are_declared(package) -> None:
    imported = set()
    for path in [*(ROOT / "spatial_llava_ros").rglob("*.py"), *(ROOT / "launch").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            imported |= {n.split(".")[0] for n in names}
    declared = {d.name for d in package.exec_depends}
    ros = {n for n in imported if n in STANDARD_MODULES or re.search("_(msgs|srvs|interfaces)$", n)}
    assert ros - {package.name} <= declared


def test_executables_start_modules_that_exist() -> None:
    scripts = sorted((ROOT / "scripts" / "nodes").iterdir())
    assert [s.name for s in scripts] == ["camera", "follow", "locate", "scene_graph"]
    for script in scripts:
        text = script.read_text()
        # A fixed interpreter would miss the virtual environment that is active.
        assert text.startswith("#!/usr/bin/env python3\n") and script.stat().st_mode & 0o111
        module = re.search(r"^from (spatial_llava_ros\.nodes\.\w+) import main$", text, re.MULTILINE).group(1)
        code = (ROOT / (module.replace(".", "/") + ".py")).read_text()
        assert "main" in {n.name for n in ast.parse(code).body if isinstance(n, ast.FunctionDef)}


def test_constraints_pin_what_setup_asks_for() -> None:
    lines = (ROOT / "requirements" / "constraints.txt").read_text().splitlines()
    pinned = {re.split("==", line)[0] for line in lines if line and line[0] != "#"}
    wanted = (ROOT / "requirements" / "ros-jazzy.in").read_text().splitlines()
    wanted += re.findall(r'"([\w-]+)[>=<][^"]*"', (ROOT / "setup.py").read_text().split("install_requires")[1])
    names = {re.match(r"[\w-]+", line).group(0).lower() for line in wanted if line and line[0] != "#"}
    assert names - {"open3d"} <= pinned  # on x86-64, where the constraints are used, it is open3d-cpu


def test_every_data_file_of_the_library_is_installed_by_pip() -> None:
    call = next(n for n in ast.walk(ast.parse((ROOT / "setup.py").read_text())) if getattr(n, "func", None) is not None
                and getattr(n.func, "id", "") == "setup")  # fmt: skip
    patterns = ast.literal_eval(next(k.value for k in call.keywords if k.arg == "package_data"))
    installed = {
        file
        for package, names in patterns.items()
        for folder in ([ROOT.joinpath(*package.split("."))] if package else _packages())
        for name in names
        for file in folder.glob(name)
    }
    there = {f for f in (ROOT / "spatial_llava_ros").rglob("*") if f.is_file() and f.suffix not in (".py", ".pyc")}
    assert there - installed == set()


def _packages() -> list[Path]:
    return [init.parent for init in (ROOT / "spatial_llava_ros").rglob("__init__.py")]
