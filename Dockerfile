# Portcullis in a container: one binary, no shell scripts, no root, nothing written to the image at run time.
#
#   docker build -t portcullis .
#   docker run --name edge --read-only --cap-drop ALL --security-opt no-new-privileges --stop-timeout 60 \
#     --ulimit nofile=65536 -v ./etc:/etc/portcullis:ro -p 443:443 portcullis
#   docker exec edge portcullis check && docker kill --signal HUP edge     # after a change of the file
#
# The configuration is /etc/portcullis/portcullis.yaml; relative paths in it (certificates, keys) start from its folder, and uid
# 10001 must be able to read them. Mount the folder and not the file: an editor that replaces the file would leave the old one mounted.
# Files the gateway writes (logs, state) need a volume of their own that uid 10001 may write to.

FROM rust:1-bookworm AS build
# cmake: zlib-ng. perl and make: OpenSSL, built from source. The image brings the C compiler.
RUN apt-get update \
    && apt-get install -y --no-install-recommends cmake make perl pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# The cache mounts keep downloaded and compiled dependencies between builds without making them part of a layer.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked -p portcullis \
    && install -D -m 0755 target/release/portcullis /out/portcullis \
    && strip /out/portcullis

FROM debian:bookworm-slim
# ca-certificates: for servers behind the gateway whose certificate comes from a public authority.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 portcullis \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin portcullis \
    && install -d -m 0755 /etc/portcullis
COPY --from=build /out/portcullis /usr/local/bin/portcullis
COPY LICENSE /usr/share/doc/portcullis/LICENSE

LABEL org.opencontainers.image.title="Portcullis" \
      org.opencontainers.image.description="Edge gateway for contact centers" \
      org.opencontainers.image.licenses="Apache-2.0"

# By number, so that an orchestrator that insists on a non-root user can see that it is one.
USER 10001:10001
WORKDIR /etc/portcullis

# The public listeners of the example configuration. Docker lets an unprivileged process bind ports below 1024; a runtime
# that does not needs `--sysctl net.ipv4.ip_unprivileged_port_start=0`, or listeners above 1023 and a port mapping.
# The admin listener (9145) is not here: it stays on the container's loopback unless the configuration says otherwise.
EXPOSE 80 443 8444

# SIGTERM drains: /readyz turns first, open requests finish, then the process ends. Give it time (--stop-timeout).
STOPSIGNAL SIGTERM

# Asks /readyz of the admin listener that the configuration names. Name the address (`--admin 127.0.0.1:9146`) where it is not the
# default one: a file with mistakes, which a running gateway does not mind, does not say where the gateway is.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["portcullis", "health"]

ENTRYPOINT ["portcullis", "run", "-c", "/etc/portcullis/portcullis.yaml"]
