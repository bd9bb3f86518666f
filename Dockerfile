# The application of a county installation. Build where Debian's packages and PyPI can be reached, then
# carry the image into the closed network.
FROM python:3.11-slim-bookworm
RUN apt-get update \
 && apt-get install -y --no-install-recommends fonts-noto-cjk fonts-lxgw-wenkai \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 990 --home /var/lib/villagecall --create-home villagecall
WORKDIR /opt/villagecall
COPY requirements-app.lock ./
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements-app.lock
COPY dist/villagecall-*.whl ./
RUN pip install --no-cache-dir --no-deps villagecall-*.whl
USER villagecall
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/readyz', timeout=2)"]
CMD ["villagecall", "serve"]
