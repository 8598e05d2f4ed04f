# Two images, each of Python, podseal and their libraries; no shell, no pip, no compiler:
#
#   docker build -t podseal/webhook .                      the webhook and podseal-certs       or: make image
#   docker build -t podseal/monitor --target monitor .     the node monitor                    or: make image-monitor
#
# Every dependency is checked against its hash in requirements.lock. To build without a network, mount a folder of
# wheels at /wheelhouse and give --build-arg PIP_NO_INDEX=1.

# The release workflow resolves the tag, and gives and records the base's digest.
ARG BASE=python:3.11-slim

FROM ${BASE} AS wheels
ARG PIP_NO_INDEX=
# Debian's own Python refuses to be installed into, though this stage is thrown away.
ENV PIP_FIND_LINKS=/wheelhouse PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore \
    PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements.lock requirements-dev.lock ./
RUN python3 -m pip download --quiet --require-hashes --only-binary :all: --dest wheels -r requirements.lock \
 && sed -n '/^setuptools==/,/[^\\]$/p' requirements-dev.lock > backend.lock \
 && python3 -m pip install --quiet --require-hashes --only-binary :all: -r backend.lock
COPY pyproject.toml README.md ./
COPY webhook webhook
COPY certs certs
RUN python3 -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir own .

FROM ${BASE} AS installed
ENV PIP_NO_INDEX=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY --from=wheels /build /build
RUN python3 -m venv --without-pip /opt/podseal \
 && python3 -m pip --python /opt/podseal/bin/python3 install --quiet --no-compile --require-hashes \
      --find-links /build/wheels -r /build/requirements.lock \
 && python3 -m pip --python /opt/podseal/bin/python3 install --quiet --no-compile --no-deps /build/own/*.whl
COPY manifests/image/root_filesystem.py /build/
RUN python3 /build/root_filesystem.py /opt/podseal /image

# The monitor brings its programs for the kernel, compiled here, and libbpf, which loads them.
FROM wheels AS monitor-wheels
ARG PIP_NO_INDEX=
RUN sed -n '/^ziglang==/,/[^\\]$/p' requirements-dev.lock > compiler.lock \
 && python3 -m pip install --quiet --require-hashes --only-binary :all: -r compiler.lock \
 && rm -r own
COPY setup.py ./
COPY runtime_monitor runtime_monitor
RUN python3 -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir own .

FROM ${BASE} AS monitor-installed
ENV PIP_NO_INDEX=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN ldconfig -p | grep -q libbpf.so.1 \
 || { apt-get update -q && apt-get install -y -q --no-install-recommends libbpf1; }
COPY --from=monitor-wheels /build /build
RUN python3 -m venv --without-pip /opt/podseal \
 && python3 -m pip --python /opt/podseal/bin/python3 install --quiet --no-compile --require-hashes \
      --find-links /build/wheels -r /build/requirements.lock \
 && python3 -m pip --python /opt/podseal/bin/python3 install --quiet --no-compile --no-deps /build/own/*.whl
COPY manifests/image/root_filesystem.py /build/
RUN python3 /build/root_filesystem.py /opt/podseal /image libbpf.so.1

FROM scratch AS monitor
COPY --from=monitor-installed /image /
ENV PATH=/opt/podseal/bin LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
LABEL org.opencontainers.image.title=podseal-monitor \
      org.opencontainers.image.description="Node monitor that sees every way into a running container"
# The sensor is uid 0 with a handful of capabilities, which the manifests grant; the feed is given this user by them too.
USER 65532:65532
ENTRYPOINT ["podseal-monitor"]
CMD ["--help"]

FROM scratch AS webhook
COPY --from=installed /image /
ENV PATH=/opt/podseal/bin LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
LABEL org.opencontainers.image.title=podseal \
      org.opencontainers.image.description="Admission webhook that keeps the containers of pods immutable"
USER 65532:65532
ENTRYPOINT ["podseal"]
CMD ["--help"]
