# A static binary, no shell, no root, nothing to write: the database and the secrets come from outside.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /idp ./cmd/idp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /idp /idp
USER 65532:65532
EXPOSE 8443 9090
ENTRYPOINT ["/idp"]
CMD ["serve", "--config", "/etc/idp/idp.yaml"]
