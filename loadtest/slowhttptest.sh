#!/usr/bin/env bash
# slowhttptest (Debian package of this name) in its header, body and read modes against the demo, twice: with the limits as they come, where
# the attacker is refused and banned, and with the attacker exempt from them, so that only the deadlines defend. Meanwhile an honest client
# from another address asks five times a second. Takes about six minutes. Needs slowhttptest, curl and openssl; listens on loopback only.
#
#   make slowhttptest
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for tool in slowhttptest curl openssl; do
    command -v "$tool" >/dev/null || { echo "slowhttptest.sh: $tool is missing: apt-get install slowhttptest curl openssl" >&2; exit 2; }
done
binaries=${BINARIES:-target/release}
seconds=${SECONDS_EACH:-45}
clients=${CLIENTS:-2000}
rate=${RATE:-400}
folder=$(mktemp -d)
ulimit -n 16384

pids=()
# shellcheck disable=SC2317 # the trap calls it
finish() {
    kill "${pids[@]}" 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT

RUST_LOG=error "$binaries/demo" >"$folder/demo.log" 2>&1 &
pids+=($!)
until curl -fs -o /dev/null http://127.0.0.1:9145/readyz; do
    kill -0 "${pids[0]}" || { cat "$folder/demo.log"; exit 1; }
    sleep 0.2
done
# The same servers through a second gateway, to which the attacker is nobody.
sed -e 's/127.0.0.1:9145/127.0.0.1:9146/' -e 's/127.0.0.1:8443/127.0.0.1:8444/' -e '/127.0.0.1:8080/d' -e 's/localhost:8443/localhost:8444/' \
    target/demo/demo.yaml >target/demo/exempt.yaml
printf 'limits: { exempt: [127.0.0.1] }\n' >>target/demo/exempt.yaml
RUST_LOG=error "$binaries/portcullis" run -c target/demo/exempt.yaml >"$folder/exempt.log" 2>&1 &
pids+=($!)
until curl -fs -o /dev/null http://127.0.0.1:9146/readyz; do
    kill -0 "${pids[1]}" || { cat "$folder/exempt.log"; exit 1; }
    sleep 0.2
done

honest() { # port: asks until it is ended, a line for each answer
    while :; do
        curl -s -o /dev/null --max-time 5 --interface 127.0.0.2 --cacert target/demo/authority.pem \
            -w '%{http_code} %{time_total}\n' "https://localhost:$1/I3Root/" || true
        sleep 0.2
    done
}

refusals() { # admin port: what was refused so far, by reason
    curl -s "http://127.0.0.1:$1/metrics" |
        sed -n 's/^portcullis_refusals_total{mode="enforce",reason="\([a-z0-9_]*\)"} \([1-9][0-9]*\)$/\1 \2/p' | sort
}

run() { # name port admin path mode...
    local name=$1 port=$2 admin=$3 path=$4
    shift 4
    # Each attack begins with the limits untouched by the one before.
    curl -s -o /dev/null -H 'Content-Type: application/json' -d '{"address": "127.0.0.1"}' "http://127.0.0.1:$admin/api/bans/lift"
    refusals "$admin" >"$folder/before"
    honest "$port" >"$folder/honest" &
    local asking=$!
    slowhttptest "$@" -c "$clients" -r "$rate" -l "$seconds" -p 5 -u "https://localhost:$port$path" >"$folder/out" 2>&1 || true
    kill "$asking" 2>/dev/null || true
    wait "$asking" 2>/dev/null || true
    refusals "$admin" >"$folder/after"
    local asked failed slowest verdict reasons
    asked=$(wc -l <"$folder/honest")
    failed=$(grep -vc '^200 ' "$folder/honest" || true)
    slowest=$(awk '{ if ($2 > most) most = $2 } END { print most }' "$folder/honest")
    # The last report is the one that counts: the tool prints one every five seconds.
    verdict=$(sed 's/\x1b\[[0-9;]*m//g' "$folder/out" | sed -n 's/^service available: *//p' | sort | uniq -c | awk '{ printf "%s%s %sx", sep, $2, $1; sep = ", " }')
    reasons=$(join -a 2 -e 0 -o 0,1.2,2.2 "$folder/before" "$folder/after" | awk '$3 > $2 { printf "%s%s %d", sep, $1, $3 - $2; sep = ", " }')
    printf '| %s | %s | %s of %s | %s | %s |\n' "$name" "$verdict" "$((asked - failed))" "$asked" "$slowest" "$reasons"
}

echo "slowhttptest with $clients connections at $rate a second, $seconds s each"
echo
echo "| attack | \"service available\" for the attacker | honest client served | slowest, s | refused |"
echo "|---|---|---|---|---|"
for gateway in "limits as they come:8443:9145" "attacker exempt:8444:9146"; do
    IFS=: read -r name port admin <<<"$gateway"
    run "header, $name" "$port" "$admin" /I3Root/ -H -i 5 -t GET
    run "body, $name" "$port" "$admin" /us/icserver1/icws/connection -B -i 5 -s 8192 -t POST
    run "read, $name" "$port" "$admin" /I3Root/demo.js -X -n 5 -z 32 -w 10 -y 20 -k 3
done
