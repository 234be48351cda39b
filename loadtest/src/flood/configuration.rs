//! The file of the gateway that is flooded.

use std::net::SocketAddr;

use crate::measured::HOST;

/// With routes to `server` and these further lines.
pub(super) fn configuration(server: SocketAddr, more: &str) -> String {
    format!(
        "\
admin: {{ listen: 127.0.0.1:0 }}
listeners:
  - {{ listen: 127.0.0.1:0, tls: {{}} }}
  - {{ listen: 127.0.0.1:0 }}
tls: {{ certificates: [ {{ cert: edge.pem, key: edge.key }} ] }}
client_address: {{ trusted_proxies: [127.1.0.0/16], proxy_protocol: accept }}
{more}
servers:
  web: {{ kind: http, url: 'http://{server}' }}
hosts:
  {HOST}:
    routes:
      - {{ path: /web/, server: web }}
      - {{ path: /narrow/, server: web, limits: {{ requests: {{ rate: 1/h, burst: 1 }} }} }}
"
    )
}
