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
COPY --from=build /out/drawbridge /drawbridge
# A named volume takes its owner from here, so the program may write to it.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
ENV DRAWBRIDGE_LISTEN=0.0.0.0:8080 \
    DRAWBRIDGE_DATA_DIR=/data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/drawbridge", "healthcheck", "--listen", "127.0.0.1:8080"]
ENTRYPOINT ["/drawbridge"]
