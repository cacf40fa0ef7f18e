# One image for every role: `docker run … copydesk web`, `copydesk live`, `copydesk listen`, `copydesk work replicate`,
# `copydesk relay`, `copydesk risk`, `copydesk work default`. PostgreSQL and Redis are servers of their own here, named by
# DATABASE_URL and REDIS_URL.

FROM node:22-bookworm-slim AS assets
WORKDIR /themes/core
COPY themes/core/package.json themes/core/package-lock.json ./
RUN npm ci --no-audit --no-fund --omit=dev
COPY themes/core/ ./
RUN mkdir -p static/vendor && node -e 'for (const [to, from] of Object.entries(require("./package.json").copydesk.vendor)) \
    require("fs").copyFileSync(from, "static/vendor/" + to)' && rm -rf node_modules

FROM python:3.11-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /opt/copydesk
COPY config/constraints.txt config/constraints.txt
COPY setup.cfg pyproject.toml README.md ./
COPY platform platform
RUN /opt/copydesk/bin/pip install --no-cache-dir -c config/constraints.txt babel \
    && /opt/copydesk/bin/pybabel compile -d platform/copydesk/web/translations \
    && /opt/copydesk/bin/pip install --no-cache-dir -c config/constraints.txt '.[vault]'

FROM python:3.11-slim-bookworm
# A volume on one of these folders begins with the owner and mode that it has here.
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/copydesk copydesk \
    && cd /var/lib/copydesk && install -d -o copydesk -g copydesk -m 0700 . web secrets audit risk mail
WORKDIR /srv/copydesk
COPY --from=build /opt/copydesk /opt/copydesk
COPY config config
COPY tenants tenants
COPY themes themes
COPY --from=assets /themes/core/static/vendor themes/core/static/vendor
ENV PATH=/opt/copydesk/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    COPYDESK_ROOT=/srv/copydesk COPYDESK_VAR=/var/lib/copydesk
USER copydesk
VOLUME /var/lib/copydesk
EXPOSE 8000 8001
# Web and live answer on /health; other roles are healthy while they reach the servers that they work with. Whether the
# installation as a whole does its work is for `copydesk status`, from outside.
HEALTHCHECK --interval=15s --timeout=12s --start-period=20s CMD ["python", "-m", "copydesk.cli.probe"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["copydesk"]
CMD ["web", "--host", "0.0.0.0", "--port", "8000"]
