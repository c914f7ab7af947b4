"""Owns `milepost doctor`: looks at everything, says one line each. Changes nothing.

Exit status: 0; 1 when something fails; 2 when asked wrongly, or nothing says where to look.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from milepost.errors import ConfigurationError, LogUnavailable
from milepost.settings import Settings
from milepost_cli import choices, operating
from milepost_cli.doctor import judgement, program_look, redis_look, sql_look, targets
from milepost_cli.doctor.disk_look import free_bytes
from milepost_cli.doctor.facts import SqlFacts
from milepost_cli.doctor.finding import Finding
from milepost_cli.doctor.mail_look import of_mail
from milepost_cli.printable import printable
from milepost_cli.schema import NoFile
from milepost_log.server_checks import ask
from milepost_log.servers import Servers, open_servers
from milepost_notify.store import StoreUnavailable


def run(*, as_json: bool, data_dir: str | None, target: Sequence[str] = ()) -> int:
    """Look at everything, or at the stores that `target` names; the exit status."""
    try:
        if target:
            return _tell(list(targets.findings(target)), as_json=as_json)
        settings = operating.settings(data_dir)
        findings = list(_findings(settings, _has_secret_file(data_dir)))
        folder = Path(data_dir or operating.DEFAULT_FOLDER)
        if (free := free_bytes(folder)) is not None:
            findings.append(judgement.of_disk(str(folder), free))
    except ConfigurationError as err:
        sys.stderr.write(printable(f"milepost: {err}") + "\n")
        return 2
    return _tell(findings, as_json=as_json)


def _tell(findings: Sequence[Finding], *, as_json: bool) -> int:
    """Write them; the exit status."""
    if as_json:
        sys.stdout.write(json.dumps([asdict(each) for each in findings]) + "\n")
    else:
        for each in findings:
            line = f"{each.status:<4}  {each.check:<14}  {each.says}"
            remedy = f" -> {each.remedy}" if each.remedy else ""
            sys.stdout.write(printable(line + remedy) + "\n")
    return 1 if any(each.status == "fail" for each in findings) else 0


def _findings(settings: Settings, has_secret_file: bool) -> Iterator[Finding]:
    yield _secret(settings, has_secret_file)
    sql = None
    try:
        sql = sql_look.look(settings.database_url, int(time.time() * 1000))
    except NoFile as err:
        says, _, remedy = str(err).rpartition(": ")
        yield Finding("database", "fail", says, remedy)
    except StoreUnavailable as err:
        yield Finding("database", "fail", str(err), "see MILEPOST_DATABASE_URL")
    else:
        yield Finding("database", "ok", "answers")
        yield from judgement.of_schemas(sql)
        yield from judgement.of_parked(sql)
    with open_servers(settings.redis_url) as servers:
        yield from _redis(servers, settings, sql)
    yield from program_look.look(settings)
    if "smtp_url" in settings.model_fields_set:
        yield of_mail(settings.smtp_url)


def _redis(servers: Servers, settings: Settings, sql: SqlFacts | None) -> Iterator[Finding]:
    try:
        for name, client in servers.primaries().items():
            yield from judgement.of_server(name, ask(client), settings.durability)
        found = redis_look.look(servers, settings.namespace, settings.partitions)
        yield Finding("redis", "ok", "answers")
        yield judgement.of_clock(found.clock_ahead_seconds)
        for number, log in found.logs.items():
            at = None if sql is None else sql.checkpoints.get(number)
            behind = at and redis_look.behind(servers, settings.namespace, at)
            if sql is not None and not sql.misfits:
                yield judgement.of_partition(number, settings.partitions, log, at, behind)
        yield judgement.of_dead(found)
        yield from judgement.of_pauses(found)
        queued = None if sql is None else sql.queued
        yield from judgement.of_workers(found, settings.lease_seconds, queued)
    except LogUnavailable as err:
        yield Finding("redis", "fail", str(err), "see MILEPOST_REDIS_URL")


def _secret(settings: Settings, has_file: bool) -> Finding:
    if not settings.secrets and has_file:
        return Finding("secret", "ok", "made by `up`, in its data folder")
    try:
        settings.require_secret()
    except ConfigurationError as err:
        says, _, remedy = str(err).partition(": ")
        return Finding("secret", "fail", says, remedy)
    return Finding("secret", "ok", f"{len(settings.secrets)} set; the first one signs")


def _has_secret_file(data_dir: str | None) -> bool:
    """Whether it is `up` that runs there: it makes a secret where the environment has none."""
    folder = Path(data_dir or operating.DEFAULT_FOLDER)
    return choices.given(os.environ, "REDIS_URL") is None and (folder / "secret").exists()
