# One image, four commands: `submit`, `notify`, `projector`, `worker` (and `migrate`, `doctor`, ...). docs/adr
# has why it is one image and why it has no shell, docs/deployment.md how your own tasks get into it.
# BASE_IMAGE: a Debian or Ubuntu with Python >= 3.11 and venv; Python and its libraries are taken from it.
ARG BASE_IMAGE=python:3.13-slim-bookworm

FROM ${BASE_IMAGE} AS build
# Debug symbols are a fifth of all packages. What takes them off stays in this stage, like pip, uv and apt.
RUN command -v strip >/dev/null \
    || { apt-get update && apt-get install --yes --no-install-recommends binutils; }
WORKDIR /src
# First what seldom changes. The hashed locks alone say what is installed.
COPY requirements requirements
RUN python3 -m venv /installer \
    && /installer/bin/python -m pip install --disable-pip-version-check --no-cache-dir \
        --no-deps --require-hashes --requirement requirements/uv.txt \
    && python3 -m venv --without-pip /opt/milepost \
    && /installer/bin/python -m pip --python /opt/milepost/bin/python install \
        --disable-pip-version-check --no-cache-dir --no-compile \
        --no-deps --require-hashes --requirement requirements/run.txt \
    && find /opt/milepost -name '*.so*' -type f -exec strip --strip-unneeded {} + \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/milepost
COPY deploy/image/collect deploy/image/collect
RUN python3 deploy/image/collect /base /opt/milepost \
    && python3 -m compileall -q --invalidation-mode unchecked-hash -s /base -p / /base/usr
# The members, in a folder and so in a layer of their own: all else is the same from release to release.
COPY libs libs
COPY services services
RUN sed -n 's/^-e //p' requirements/members.txt | xargs /installer/bin/uv pip install --quiet \
        --offline --no-cache --no-deps --python /opt/milepost/bin/python --target /opt/milepost/members \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/milepost/members \
    && mkdir /layers && mv /opt/milepost/members /layers/members \
    && for site in /opt/milepost/lib/python3*/site-packages; do \
        echo /opt/milepost/members >"$site/members.pth"; done

FROM scratch
COPY --from=build /base /
COPY --from=build /opt/milepost /opt/milepost
COPY --from=build /layers/members /opt/milepost/members
COPY LICENSE /opt/milepost/LICENSE
ENV PATH=/opt/milepost/members/bin:/opt/milepost/bin \
    LANG=C.UTF-8 \
    HOME=/tmp \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MILEPOST_HOST=0.0.0.0 \
    MILEPOST_METRICS_PORT=9191
# Modules that MILEPOST_TASKS names are looked for here.
WORKDIR /tasks
USER 10001:10001
EXPOSE 8000 9191
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=4s --start-period=120s --retries=3 CMD ["milepost", "probe"]
ENTRYPOINT ["milepost"]
CMD ["--help"]
ARG VERSION=0.0.0+local
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="Milepost" \
    org.opencontainers.image.description="Live progress of people's own tasks" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.created="${CREATED}"
