#!/bin/sh
# Makes the passwords of the accounts gateway, consumer and one site of devices, once: docker/.env holds them in clear for
# docker compose, docker/secrets/accounts.json salted hashes and rights for RabbitMQ, docker/secrets/erlang.cookie the word
# by which the nodes of a cluster know each other. None of them belongs into version control.
#
# Usage: docker/secrets.sh [SITE]     (default plant-1)
set -eu

cd "$(dirname "$0")"
site=${1:-plant-1}

if [ -e .env ]; then
  echo "docker/.env exists already; remove it and docker/secrets to make new passwords" >&2
  exit 1
fi

# 24 random bytes, URL-safe. Never empty: a failed pipe would otherwise give an account without a password.
password() {
  word=$(head -c 24 /dev/urandom | base64 | tr -d '\n' | tr '+/' '-_')
  [ ${#word} -eq 32 ] || { echo 'no random bytes' >&2; exit 1; }
  printf '%s' "$word"
}

gateway=$(password)
consumer=$(password)
device=$(password)
export SLUICE_GATEWAY_PASSWORD="$gateway" SLUICE_CONSUMER_PASSWORD="$consumer" SLUICE_DEVICE_PASSWORD="$device" SLUICE_DEVICE_USER="$site"

mkdir -p secrets
chmod 700 secrets
# The gateway itself knows the rights of each role: from the build where there is one, else from its image.
if [ -f ../dist/src/main.js ] && command -v node >/dev/null; then
  (cd .. && node dist/src/main.js topology -c config/sluice.yaml --definitions) >secrets/accounts.json.new
else
  docker build -q -f Dockerfile -t sluice .. >/dev/null
  docker run --rm -e SLUICE_GATEWAY_PASSWORD -e SLUICE_CONSUMER_PASSWORD -e SLUICE_DEVICE_PASSWORD -e SLUICE_DEVICE_USER \
    sluice topology -c config/sluice.yaml --definitions >secrets/accounts.json.new
fi
# Readable for RabbitMQ's user in its container; the folder keeps others of this machine out.
chmod 644 secrets/accounts.json.new
mv secrets/accounts.json.new secrets/accounts.json

# Whoever has it commands the nodes. Read by the same user, see compose.production.yaml.
password >secrets/erlang.cookie
chmod 644 secrets/erlang.cookie

umask 077
cat >.env.new <<EOF
SLUICE_GATEWAY_PASSWORD=$gateway
SLUICE_CONSUMER_PASSWORD=$consumer
SLUICE_DEVICE_USER=$site
SLUICE_DEVICE_PASSWORD=$device
EOF
mv .env.new .env

echo "made docker/.env, docker/secrets/accounts.json and docker/secrets/erlang.cookie; devices log in as $site"
echo 'for the management UI: docker compose -f docker/compose.yaml exec rabbitmq rabbitmqctl add_user admin'
echo '                       docker compose -f docker/compose.yaml exec rabbitmq rabbitmqctl set_user_tags admin administrator'
echo "                       docker compose -f docker/compose.yaml exec rabbitmq rabbitmqctl set_permissions admin '.*' '.*' '.*'"
