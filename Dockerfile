# The image holds one static binary and the certificates it needs to reach AWS.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/drawbridge ./cmd/server \
 && mkdir /out/data

FROM gcr.io/distroless/static-debian12:nonroot
ARG VERSION=dev
LABEL org.opencontainers.image.title="Drawbridge" \
      org.opencontainers.image.description="Control panel for HTTP APIs in front of apps on EC2 in private subnets" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /out/drawbridge /drawbridge
# A named volume takes its owner from here, so the program may write to it.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
ENV DRAWBRIDGE_LISTEN=0.0.0.0:8080 \
    DRAWBRIDGE_DATA_DIR=/data
VOLUME /data
EXPOSE 8080
# It reads DRAWBRIDGE_LISTEN and the flags of TLS, as the server does.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/drawbridge", "healthcheck"]
ENTRYPOINT ["/drawbridge"]
