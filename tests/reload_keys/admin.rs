//! `admin`: what its keys do is seen by whom they let in, so their tests are where those are.

/// `tests/admin/reload.rs` has a reload of each; that of `admin.listen` is also among the rows here.
pub const KEYS: [&str; 6] = [
    "admin.names",
    "admin.tls.cert",
    "admin.tls.key",
    "admin.token.env",
    "admin.token.file",
    "admin.client_ca",
];
