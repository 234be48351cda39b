#!/usr/bin/env bash
# What the access log costs: requests a second and processor time for each, with each format in a file, over syslog, and with a disk that
# is full. One gateway, reloaded between short runs, so that what else the machine does meets all alike: each run is compared with those
# without a log just before and just after it. Needs wrk and nginx (Debian packages of these names); loopback only.
#
#   make log-bench
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PATH:/usr/sbin

for tool in wrk nginx curl perl awk; do
    command -v "$tool" >/dev/null || { echo "log-bench: skipped, $tool is missing: apt-get install wrk nginx-light curl perl"; exit 0; }
done
portcullis=${PORTCULLIS:-target/release/portcullis}
seconds=${SECONDS_EACH:-2}
rounds=${ROUNDS:-6}
connections=${CONNECTIONS:-32}
modes=${MODES:-json combined tcp udp full}
folder=$(mktemp -d)

pids=()
# shellcheck disable=SC2317 # the trap calls it
finish() {
    kill "${pids[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT

# A port of the system's choice for each, and a socket that datagrams end in: its reader would be on another machine.
perl -MIO::Socket::INET -e '$| = 1; my $s = IO::Socket::INET->new(Proto => "udp", LocalAddr => "127.0.0.1:0"); print $s->sockport, "\n"; sleep' \
    >"$folder/syslog.port" &
pids+=($!)
# The same for a connection, whose receiver has to read.
perl -MIO::Socket::INET -e '$| = 1; my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1:0"); print $s->sockport, "\n";
    while (my $c = $s->accept) { 1 while sysread $c, my $b, 1 << 20 }' >"$folder/tcp.port" &
pids+=($!)
free() { perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1:0")->sockport'; }
inside=$(free) admin=$(free) public=$(free)
until [ -s "$folder/syslog.port" ] && [ -s "$folder/tcp.port" ]; do sleep 0.05; done
syslog=$(cat "$folder/syslog.port") tcp=$(cat "$folder/tcp.port")

cat >"$folder/nginx.conf" <<EOF
daemon off; pid $folder/nginx.pid; error_log $folder/nginx.log; worker_processes 1;
events { worker_connections 1024; }
http {
    access_log off; keepalive_requests 1000000000; keepalive_timeout 1h;
    server { listen 127.0.0.1:$inside; location / { default_type text/plain; return 200 "hello, this is an answer of a server"; } }
}
EOF
nginx -p "$folder" -e "$folder/nginx.log" -c "$folder/nginx.conf" &
pids+=($!)

file() { # mode: the file of the gateway
    local access=
    case $1 in
    json) access="{ file: $folder/access.log }" ;;
    combined) access="{ file: $folder/access.log, format: combined }" ;;
    udp) access="{ syslog: { to: 'udp://127.0.0.1:$syslog' } }" ;;
    tcp) access="{ syslog: { to: 'tcp://127.0.0.1:$tcp' } }" ;;
    full) access="{ file: /dev/full }" ;;
    esac
    cat <<EOF
admin: { listen: 127.0.0.1:$admin }
listeners: [{ listen: 127.0.0.1:$public }]
limits: { mode: off, keep_alive: { requests: 1000000 } }
servers: { s: { kind: http, url: "http://127.0.0.1:$inside", timeouts: { pooled: 1m } } }
hosts: { bench.example.com: { server: s } }
log: { level: warn${access:+, access: $access} }
EOF
}

file off >"$folder/p.yaml"
"$portcullis" run -c "$folder/p.yaml" >"$folder/portcullis.log" 2>&1 &
gateway=$!
pids+=("$gateway")
until curl -fs -o /dev/null "http://127.0.0.1:$admin/readyz"; do
    kill -0 "$gateway" || { cat "$folder/portcullis.log"; exit 1; }
    sleep 0.2
done

metric() { curl -s "http://127.0.0.1:$admin/metrics" | awk -v name="portcullis_$1" '$1 == name { print $2 }'; }
# Ticks of user and system time: fields 14 and 15 of proc_pid_stat(5), behind the name.
ticks() { sed 's/.*) //' "/proc/$gateway/stat" | awk '{ print $12 + $13 }'; }
load() { # seconds: requests, and how many a second
    wrk -t 1 -c "$connections" -d "$1s" -H 'Host: bench.example.com' -H 'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' \
        "http://127.0.0.1:$public/us/icserver1/icws/1234567890/messaging/messages" >"$folder/wrk"
    if grep -E 'Non-2xx|Socket errors' "$folder/wrk" >&2; then exit 1; fi
    awk '/requests in/ { all = $1 } /^Requests\/sec/ { rate = $2 } END { print all, rate }' "$folder/wrk"
}

switch() { # mode
    local generation
    if cmp -s <(file "$1") "$folder/p.yaml"; then return; fi
    generation=$(metric config_generation)
    file "$1" >"$folder/p.yaml"
    kill -HUP "$gateway"
    until [ "$(metric config_generation)" != "$generation" ]; do sleep 0.05; done
    rm -f "$folder/access.log"
    kill -USR1 "$gateway"
}
per_second=$(getconf CLK_TCK)
run() { # mode: adds requests a second and microseconds of processor time for each
    local before after all rate
    switch "$1"
    before=$(ticks)
    read -r all rate <<<"$(load "$seconds")"
    # What still waits is a part of the work.
    sleep 0.2
    after=$(ticks)
    awk -v "rate=$rate" -v "ticks=$((after - before))" -v "hz=$per_second" -v "all=$all" 'BEGIN { printf "%s %.2f ", rate, ticks * 1e6 / hz / all }'
}

load 2 >/dev/null
for _ in $(seq "$rounds"); do
    first=$(run off)
    for mode in $modes; do
        second=$(run "$mode")
        third=$(run off)
        echo "$mode $first$second$third" >>"$folder/figures"
        first=$third
    done
done

echo "$rounds rounds of $seconds s, $connections connections, $(nproc) cores. Each run is compared with those without a log just before and after it:"
echo 'median, and in parentheses the quartiles.'
echo
echo '| log | requests a second | of those without | processor time for a request | of that without |'
echo '|---|---|---|---|---|'
for mode in $modes; do
    awk -v mode="$mode" '$1 == mode { print $4, $5, 2 * $4 / ($2 + $6), 2 * $5 / ($3 + $7), ($2 + $6) / 2, ($3 + $7) / 2 }' "$folder/figures" >"$folder/of"
    quartiles() { sort -g -k "$1,$1" "$folder/of" | awk -v f="$1" '{ v[NR] = $f } END { print v[int((NR + 1) / 2)], v[int((NR + 3) / 4)], v[int((3 * NR + 1) / 4)] }'; }
    read -r rate _ <<<"$(quartiles 1)"
    read -r time _ <<<"$(quartiles 2)"
    read -r share less more <<<"$(quartiles 3)"
    read -r cost cheap dear <<<"$(quartiles 4)"
    printf '| %s | %.0f | %.3f (%.3f to %.3f) | %.1f us | %.3f (%.3f to %.3f) |\n' \
        "$mode" "$rate" "$share" "$less" "$more" "$time" "$cost" "$cheap" "$dear"
done
echo
curl -s "http://127.0.0.1:$admin/metrics" | grep '^portcullis_access_log_dropped_total' || true
grep -E 'access log' "$folder/portcullis.log" | head -5 || true
