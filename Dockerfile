# One image for every role of jiesu: it serves by itself; `demo`, `check`, `phone`, `journal` and `model` are its other commands.
# The settings are /etc/jiesu/gateway.toml ($JIESU_CONFIG); all that must outlive the container is in /var/lib/jiesu.
# `make image-check` carries out this file's own lines in a Debian chroot where no engine runs.

FROM python:3.11-slim-bookworm AS build
COPY requirements.lock /build/
RUN python3 -m venv /opt/jiesu/.venv \
 && /opt/jiesu/.venv/bin/pip install --no-cache-dir --disable-pip-version-check \
    --require-hashes --use-pep517 --requirement /build/requirements.lock \
 && touch /opt/jiesu/.venv/ready

FROM python:3.11-slim-bookworm
# espeak-ng speaks the brief to the emergency desk and `jiesu phone --say`.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends espeak-ng \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --user-group --home-dir /var/lib/jiesu --no-create-home --shell /usr/sbin/nologin jiesu \
 && install --directory --owner jiesu --group jiesu /var/lib/jiesu \
 && install --directory /etc/jiesu
COPY --from=build /opt/jiesu/.venv /opt/jiesu/.venv
COPY jiesu LICENSE pyproject.toml /opt/jiesu/
COPY asr /opt/jiesu/asr
COPY channels /opt/jiesu/channels
COPY config /opt/jiesu/config
COPY gateway /opt/jiesu/gateway
COPY routing /opt/jiesu/routing
COPY deploy/healthcheck.py /opt/jiesu/deploy/
COPY deploy/gateway.toml /etc/jiesu/
RUN ln -s /opt/jiesu/jiesu /usr/local/bin/jiesu \
 && python3 -m compileall -q /opt/jiesu/asr /opt/jiesu/channels /opt/jiesu/config /opt/jiesu/gateway /opt/jiesu/routing
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 JIESU_CONFIG=/etc/jiesu/gateway.toml
WORKDIR /var/lib/jiesu
USER jiesu
VOLUME ["/etc/jiesu", "/var/lib/jiesu"]
EXPOSE 5060/udp 5060/tcp 8345/tcp 16384-18383/udp
HEALTHCHECK --interval=15s --timeout=4s --start-period=60s \
    CMD ["python3", "/opt/jiesu/deploy/healthcheck.py"]
ENTRYPOINT ["jiesu"]
CMD ["run"]
