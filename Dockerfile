# Three images on one base: `trainer` makes releases, `service` serves them, `report` writes about them.

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

# Packages are installed where nothing but their lock can change the layer.
FROM base AS train-packages
COPY requirements/train.txt /tmp/
RUN python3 -m venv /opt/venv \
    && pip install --no-cache-dir --require-hashes --no-deps -r /tmp/train.txt

FROM base AS report-packages
COPY requirements/report.txt /tmp/
RUN python3 -m venv /opt/venv \
    && pip install --no-cache-dir --require-hashes --no-deps -r /tmp/report.txt

# Left out: tests, headers, the installer, processors other than the CPU, formats of networks that
# no release has, and Arrow's parts for talking to other machines.
FROM base AS serve-packages
COPY requirements/serve.txt /tmp/
RUN python3 -m venv /opt/venv \
    && pip install --no-cache-dir --require-hashes --no-deps -r /tmp/serve.txt \
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
# It runs beside a mounted folder of photographs, which is no place to import from.
ENV KERAS_HOME=/var/lib/belvedere/downloads/keras PYTHONSAFEPATH=1
USER belvedere
VOLUME /var/lib/belvedere
CMD ["prepare"]
# Python hears it as Ctrl-C, keeps what is finished and says so.
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
