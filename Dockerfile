# A static binary, no shell, no root, nothing to write: the database and the secrets come from outside.
FROM golang:1.26 AS build
ARG VERSION=unreleased
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags="-s -w -X main.release=$VERSION" -o /idp ./cmd/idp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /idp /idp
USER 65532:65532
EXPOSE 8443 9090
HEALTHCHECK --interval=10s --timeout=6s --start-period=20s --retries=3 CMD ["/idp", "health"]
ENTRYPOINT ["/idp"]
CMD ["serve"]
