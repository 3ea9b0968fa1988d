# syntax=docker/dockerfile:1
# docker build -t labboard . && docker run -p 3000:3000 -v labboard:/data labboard

FROM node:22-bookworm-slim AS node

FROM rust:1.95-slim-bookworm AS build
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
    && apt-get update \
    && apt-get install -y --no-install-recommends g++ pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /labboard
COPY . .
# Cached between builds; the binary is copied out of the cached folder.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/labboard-target \
    CARGO_TARGET_DIR=/labboard-target cargo xtask build \
    && cp --dereference target/release/labboard /usr/local/bin/labboard

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home labboard
COPY --from=build /usr/local/bin/labboard /usr/local/bin/labboard
COPY LICENSE /usr/share/doc/labboard/LICENSE
USER labboard
WORKDIR /data
VOLUME /data
ENV LABBOARD_ADDR=0.0.0.0:3000 LABBOARD_DATA_DIR=/data
EXPOSE 3000
STOPSIGNAL SIGTERM
ENTRYPOINT ["labboard"]
CMD ["serve"]
