# Milepost in one container: `milepost up` (Valkey, SQLite, web, worker) on the volume /data.
# BASE_IMAGE: any Debian-like image with Python >= 3.11 and venv.
ARG BASE_IMAGE=python:3.13-slim-bookworm
FROM ${BASE_IMAGE}

RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /data milepost \
    && install -d -o milepost -g milepost -m 0700 /data

WORKDIR /opt/milepost
COPY milepost LICENSE ./
COPY requirements requirements
COPY libs libs
COPY services services
# The same set-up as in a checkout, from the hashed locks; the installer is not needed afterwards.
RUN PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1 ./milepost --version \
    && .venv/bin/python -m compileall -q libs services \
    && rm -f .venv/bin/uv .venv/bin/uvx

ENV MILEPOST_HOST=0.0.0.0 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["/opt/milepost/.venv/bin/python", "-c", "import urllib.request as r; [r.urlopen(f'http://127.0.0.1:8000/api/{s}/readyz', timeout=4) for s in ('submit', 'notify')]"]
ENTRYPOINT ["/opt/milepost/milepost"]
CMD ["up", "--data-dir", "/data"]
