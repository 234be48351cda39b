//! How Chromium is started, by whichever program.

/// Without a window, a sandbox, and everything that asks the world outside.
pub const ARGUMENTS: [&str; 11] = [
    "--headless",
    "--no-sandbox", // its sandbox needs privileges that a container rarely grants; the page is our own
    "--disable-gpu",
    "--disable-dev-shm-usage", // /dev/shm has 64 MiB in a container
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--no-proxy-server", // a proxy from the environment would never find a loopback port
];
