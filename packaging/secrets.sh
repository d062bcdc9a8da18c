#!/bin/sh
# Makes the secrets that compose.yaml mounts, once, each readable by the user of its container only:
#
#   sudo sh packaging/secrets.sh secrets
#
# Keep a copy of master-keys elsewhere than the backups of the database: without it they cannot be used, with it they
# can be read.
set -eu
dir=$1
umask 077
if [ -e "$dir" ]; then
  echo "$dir exists: nothing was changed" >&2
  exit 1
fi
mkdir -m 0711 -p "$dir"
password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
echo "$password" >"$dir/postgres-password"
echo "postgres://idp:$password@postgres/idp?sslmode=disable" >"$dir/database" # inside one machine's own network
head -c 32 /dev/urandom | base64 >"$dir/master-keys"
chmod 0400 "$dir"/*
chown 999:999 "$dir/postgres-password" # postgres in the image postgres:15
chown 65532:65532 "$dir/database" "$dir/master-keys"
