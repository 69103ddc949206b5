# Three images on one base: `trainer` makes releases, `service` serves them, `report` executes the notebook.
# `--build-arg SCALE=-scale` adds the packages for object storage and Milvus and, to the trainer, Ray.

FROM python:3.11-slim-bookworm AS base
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/belvedere \
    PYTHONUNBUFFERED=1 \
    BELVEDERE_HOME=/var/lib/belvedere \
    HOME=/tmp
RUN groupadd --gid 10001 belvedere \
    && useradd --uid 10001 --gid belvedere --home-dir /tmp --no-create-home belvedere \
    && install -d -o belvedere -g belvedere /var/lib/belvedere
ENTRYPOINT ["python", "-m", "belvedere"]

# Each package set has a stage of its own, so that only a change of its lock file rebuilds it.
FROM base AS train-packages
ARG SCALE=
COPY requirements/train${SCALE}.txt /tmp/
RUN python3 -m venv /opt/venv \
    && pip install --no-cache-dir --require-hashes --no-deps -r /tmp/train${SCALE}.txt

FROM base AS report-packages
COPY requirements/report.txt /tmp/
RUN python3 -m venv /opt/venv \
    && pip install --no-cache-dir --require-hashes --no-deps -r /tmp/report.txt

# Removed: tests, headers, the installer, plugins for GPUs and NPUs, readers of model formats that no
# release uses, and Arrow Flight.
FROM base AS serve-packages
ARG SCALE=
COPY requirements/serve${SCALE}.txt /tmp/
RUN python3 -m venv /opt/venv \
    && pip install --no-cache-dir --require-hashes --no-deps -r /tmp/serve${SCALE}.txt \
    && cd /opt/venv/lib/python3.*/site-packages \
    && find . -type d -name tests -prune -exec rm -r {} + \
    && rm -rf pip pip-* setuptools* pkg_resources _distutils_hack distutils-precedence.pth \
        */include \
        openvino/frontend/onnx openvino/frontend/paddle openvino/frontend/pytorch \
        openvino/frontend/tensorflow openvino/frontend/jax openvino/torch openvino/tools \
        openvino/libs/cache.json openvino/libs/*_gpu_plugin* openvino/libs/*_npu_plugin* \
        openvino/libs/*_gguf_* openvino/libs/*_jax_* openvino/libs/*_onnx_* \
        openvino/libs/*_paddle_* openvino/libs/*_pytorch_* openvino/libs/*_tensorflow_* \
        pyarrow/*flight*

FROM base AS trainer
COPY --from=train-packages /opt/venv /opt/venv
COPY belvedere /opt/belvedere/belvedere
COPY embeddings /opt/belvedere/embeddings
COPY training /opt/belvedere/training
RUN chmod -R a+rX /opt/belvedere && python -m compileall -q /opt/belvedere
# PYTHONSAFEPATH: the working directory contains the mounted data, which must not be imported.
ENV KERAS_HOME=/var/lib/belvedere/downloads/keras PYTHONSAFEPATH=1
USER belvedere
VOLUME /var/lib/belvedere
CMD ["prepare"]
# Python raises KeyboardInterrupt: finished runs are kept, and a message is printed.
STOPSIGNAL SIGINT
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Belvedere, trainer" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION

FROM base AS report
COPY --from=report-packages /opt/venv /opt/venv
COPY belvedere /opt/belvedere/belvedere
COPY report.ipynb /opt/belvedere/
COPY embeddings /opt/belvedere/embeddings
COPY service /opt/belvedere/service
RUN chmod -R a+rX /opt/belvedere && python -m compileall -q /opt/belvedere
USER belvedere
ENTRYPOINT ["python", "-m", "service.report"]
STOPSIGNAL SIGINT
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Belvedere, report" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION

FROM base AS service
COPY --from=serve-packages /opt/venv /opt/venv
COPY belvedere /opt/belvedere/belvedere
COPY embeddings /opt/belvedere/embeddings
COPY service /opt/belvedere/service
RUN chmod -R a+rX /opt/belvedere && python -m compileall -q /opt/belvedere
ENV BELVEDERE_HOST=0.0.0.0 BELVEDERE_PORT=8000
EXPOSE 8000
USER belvedere
VOLUME /var/lib/belvedere
HEALTHCHECK --interval=3s --timeout=6s --start-period=30s --retries=3 \
    CMD ["python", "-m", "service.healthcheck"]
CMD ["serve"]
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Belvedere, service" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION
