# The workers' image. For the CPU:
#
#   docker build -t plimsoll .
#
# For NVIDIA GPUs: ONNX Runtime's CUDA provider does not come with the npm package, its install script fetches it; and
# the CUDA and cuDNN libraries come with the base image.
#
#   docker build -t plimsoll:cuda \
#     --build-arg CUDA=cuda12 --build-arg RUNTIME_IMAGE=nvidia/cuda:12.9.1-cudnn-runtime-ubuntu22.04 .
ARG NODE_IMAGE=node:24-bookworm-slim
ARG RUNTIME_IMAGE=${NODE_IMAGE}

FROM ${NODE_IMAGE} AS node

FROM node AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build

FROM node AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev
# Empty: CPU only. cuda12: what ONNX Runtime's own install script knows for Linux on x64.
ARG CUDA=
RUN if [ -n "$CUDA" ]; then ONNXRUNTIME_NODE_INSTALL="$CUDA" node node_modules/onnxruntime-node/script/install.js; fi

FROM ${RUNTIME_IMAGE} AS runtime
# Temporal's core speaks TLS with the system's certificates; slim images have none.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/*
COPY --from=node /usr/local/bin/node /usr/local/bin/node
ENV NODE_ENV=production PLIMSOLL_CACHE=/var/cache/plimsoll
RUN useradd --system --uid 10001 --home-dir /app plimsoll \
  && install --directory --owner plimsoll /var/cache/plimsoll
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
COPY models ./models
USER plimsoll
ENTRYPOINT ["node", "--max-semi-space-size=4", "dist/workers/run.js"]
CMD ["--role", "indexing"]
