//! `admin`: what its keys do is seen by whom they let in, so their tests are where those are.

/// `tests/admin/reload.rs` and `tests/admin/process.rs` have a reload of each; `admin.listen` has a row here as well.
pub const KEYS: [&str; 6] = [
    "admin.names",
    "admin.tls.cert",
    "admin.tls.key",
    "admin.token.env",
    "admin.token.file",
    "admin.client_ca",
];
