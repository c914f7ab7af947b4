"""PostgreSQL's address says how its server is verified; here PgBouncer, which insists on TLS."""

from collections.abc import Generator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

import milepost_notify.main
from certificates import certificate_in
from milepost.errors import ConfigurationError
from milepost.settings import Settings
from milepost_service.engines import engine
from pgbouncer_server import PgBouncer
from postgres_server import Postgres

NAME = "over_tls"


@pytest.fixture(scope="module")
def pooler(postgres: Postgres) -> Generator[PgBouncer]:
    postgres.make_database(NAME)
    pooler = PgBouncer(postgres, is_tls=True)
    pooler.start()
    yield pooler
    pooler.remove()


def test_a_verified_server_is_used_over_tls(pooler: PgBouncer) -> None:
    url = f"{pooler.url_of(NAME)}?sslmode=verify-full&sslrootcert={pooler.certificate}"
    settings = Settings.load(database_url=url)
    assert milepost_notify.main.migrate(settings) is not None
    opened = engine(url, "read", "notify", connections=1)
    with opened.begin() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
        driver = connection.connection.driver_connection
        assert driver is not None
        assert driver.pgconn.ssl_in_use
    opened.dispose()


def test_one_that_cannot_be_verified_is_not(pooler: PgBouncer, tmp_path: Path) -> None:
    stranger, _ = certificate_in(tmp_path)
    verified = f"sslrootcert={pooler.certificate}"
    wrong_name = pooler.url_of(NAME).replace("127.0.0.1", "localhost")
    for url, reason in (
        (f"{pooler.url_of(NAME)}?sslmode=verify-full&sslrootcert={stranger}", "certificate"),
        (f"{wrong_name}?sslmode=verify-full&{verified}", "does not match"),
        (f"{pooler.url_of(NAME)}?sslmode=disable", "SSL required"),
    ):
        opened = engine(url, "read", "notify", connections=1)
        with pytest.raises(OperationalError, match=reason), opened.begin():
            pass
        opened.dispose()
        with pytest.raises(ConfigurationError) as told:
            milepost_notify.main.migrate(Settings.load(database_url=url))
        assert "\n" not in str(told.value)
