# An image for agents whose tools need a shell and the usual programs. The guest itself needs
# none of this: it is mounted into whatever image an agent names.
#
#   docker build -f container/base.Dockerfile -t my-agent container
#
# BASE      any Debian-like image
# PACKAGES  what is installed on top; empty installs nothing, so the build needs no network
ARG BASE=debian:bookworm-slim
FROM ${BASE}

ARG PACKAGES="bash ca-certificates git ripgrep"
RUN if [ -n "${PACKAGES}" ]; then \
      apt-get update \
      && apt-get install --yes --no-install-recommends ${PACKAGES} \
      && rm -rf /var/lib/apt/lists/*; \
    fi

# The host chooses the container's user by number. This one is for people who run the image by
# hand, and for programs that look their user up.
RUN grep -q '^agent:' /etc/passwd \
    || { echo 'agent:x:1000:1000:agent:/workspace/home:/bin/sh' >> /etc/passwd \
         && echo 'agent:x:1000:' >> /etc/group; }

# The mount points, so that the engine has none to make at each start.
RUN mkdir -p /opt/lazaret \
      /workspace/in /workspace/out /workspace/home /workspace/work /workspace/agent /workspace/sock \
    && touch /opt/lazaret/guest \
    && chown 1000:1000 /workspace/home /workspace/work

USER 1000:1000
ENV HOME=/workspace/home
WORKDIR /workspace/work
