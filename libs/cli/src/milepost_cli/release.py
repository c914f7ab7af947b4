"""Owns `milepost release`: prepares a version in the tree, or builds what is given out of it."""

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from milepost_cli import checkout, released, versions, wheels

_UNRELEASED = "## [Unreleased]\n"


def run(*, action: str, version: str = "", out: str = "dist", image: bool = True) -> int:
    """Do one of them; the exit status."""
    if not checkout.is_here():
        return 2
    try:
        if action == "prepare":
            prepare(checkout.ROOT, version)
        else:
            build(checkout.ROOT, Path(out), image=image)
    except wheels.ReleaseFailed as err:
        sys.stderr.write(f"milepost: {err}\n")
        return 1
    return 0


def prepare(root: Path, version: str) -> None:
    """Write a version into the tree: members, CHANGELOG, docs/api, and the contract that is kept.

    Raises:
        ReleaseFailed: it is no version, or one that there has been.
    """
    if not versions.is_version(version):
        raise wheels.ReleaseFailed(f"{version!r} is no version such as 0.2.0")
    changelog = root / "CHANGELOG.md"
    changelog.write_text(dated(changelog.read_text(), version, datetime.now(UTC)))
    versions.stamp(root, version)
    # A process of its own: set up again, it knows the new version.
    if subprocess.run([root / "milepost", "api"], check=False).returncode:
        raise wheels.ReleaseFailed("./milepost api did not work")
    _say(f"kept the contract in {released.keep(version).relative_to(root)}")
    _say(f"now look at it, commit it as `Release {version}`, tag it v{version}, and build")


def dated(changelog: str, version: str, now: datetime) -> str:
    """The changelog with what was unreleased as a release.

    Raises:
        ReleaseFailed: there is nothing to release, or it has been released.
    """
    if f"## [{version}]" in changelog:
        raise wheels.ReleaseFailed(f"CHANGELOG.md has {version} already")
    before, found, after = changelog.partition(_UNRELEASED)
    if not found or not re.match(r"\s*(###|-)", after):
        raise wheels.ReleaseFailed("CHANGELOG.md has nothing unreleased")
    return f"{before}{_UNRELEASED}\n## [{version}] - {now:%Y-%m-%d}\n{after}"


def build(root: Path, out: Path, *, image: bool) -> None:
    """Build wheels and an image, and try the wheels out.

    Raises:
        ReleaseFailed: something does not work, or members have different versions.
    """
    for line in versions.problems(root):
        raise wheels.ReleaseFailed(line)
    version = versions.current(root)
    built = wheels.build(root, out)
    wheels.try_out(built, out / "requirements.txt", version)
    for wheel in built:
        _say(f"built {out / wheel.name}")
    _say("installed into an environment of its own: every module imports")
    engine = _engine() if image else None
    if engine is None:
        _say("no image: " + ("no container engine answers here" if image else "not asked for"))
        return
    _say(f"built the image {build_image(root, version, engine)}")


def build_image(root: Path, version: str, engine: str) -> str:
    """Build a version's image by the Dockerfile; its tag.

    Raises:
        ReleaseFailed: the engine did not.
    """
    tag = f"milepost:{version}"
    facts = {
        "VERSION": version,
        "REVISION": _revision(root),
        "CREATED": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    if base := os.environ.get("BASE_IMAGE"):
        facts["BASE_IMAGE"] = base
    arguments = [word for fact in facts.items() for word in ("--build-arg", "=".join(fact))]
    if network := os.environ.get("BUILD_NETWORK"):
        arguments.append(f"--network={network}")
    command = [engine, "build", "--tag", tag, *arguments, str(root)]
    if subprocess.run(command, check=False).returncode:
        raise wheels.ReleaseFailed(f"{engine} build did not work")
    return tag


def _engine() -> str | None:
    for name in ("docker", "podman"):
        found = shutil.which(name)
        if (
            found
            and not subprocess.run([found, "info"], capture_output=True, check=False).returncode
        ):
            return found
    return None


def _revision(root: Path) -> str:
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
