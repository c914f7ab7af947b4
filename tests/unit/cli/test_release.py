"""A release has one version everywhere, and what was unreleased in its name."""

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from milepost_cli import checkout, versions, wheels
from milepost_cli.release import dated

NOON = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What has a version in it."""
    for path in [*versions.files(checkout.ROOT), *versions.overlays(checkout.ROOT)]:
        target = tmp_path / path.relative_to(checkout.ROOT)
        target.parent.mkdir(parents=True)
        shutil.copy(path, target)
    return tmp_path


def test_all_members_have_one_version_and_want_each_other_in_it(copy: Path):
    assert list(versions.problems(copy)) == []
    versions.stamp(copy, "7.8.9")
    assert versions.current(copy) == "7.8.9"
    assert list(versions.problems(copy)) == []


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("services/worker/pyproject.toml", 'version = "[^"]*"', 'version = "7.8.9"'),
        ("services/worker/pyproject.toml", 'milepost-log==[^"]*', "milepost-log"),
        ("deploy/k8s/overlays/trial/kustomization.yaml", "newTag: [^}]*", "newTag: 7.8.9"),
    ],
)
def test_what_differs_is_named(copy: Path, name: str, old: str, new: str):
    file = copy / name
    file.write_text(re.sub(old, new, file.read_text(), count=1))
    assert [line.partition(":")[0] for line in versions.problems(copy)] == [name]


def test_what_was_unreleased_is_of_the_release_and_nothing_twice():
    before = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A.\n"
    after = dated(before, "0.2.0", NOON)
    assert (
        after == "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-01-02\n\n### Added\n\n- A.\n"
    )
    for again in (before.replace("### Added", "## [0.2.0]"), after, "# Changelog\n"):
        with pytest.raises(wheels.ReleaseFailed):
            dated(again, "0.2.0", NOON)


@pytest.mark.parametrize("text", ["1", "1.2", "01.2.3", "1.2.3rc1", "v1.2.3", "../x"])
def test_only_three_numbers_are_a_version(text: str):
    assert not versions.is_version(text)
