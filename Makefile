# The commands a person runs. Everything here works from a clean clone: `scripts/prepare` sees to the packages
# that building needs and says what to install where it may not do so itself.

CARGO ?= cargo
# `make check LOCKED=--locked` refuses to touch Cargo.lock; continuous integration runs it that way.
LOCKED ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check bench reload-bench slow-clients flood log-bench slowhttptest deb image-test audit

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: ## Start the gateway with simulated servers on loopback and print what to try
	@scripts/prepare demo
	$(CARGO) build $(LOCKED) --package portcullis --package loadtest --bin portcullis --bin demo
	target/debug/demo

# Doc tests come first, because nextest does not run them and its summary has to be the last line of the log.
test: ## Run every test of the workspace (some need Chromium or Prometheus, see scripts/prepare)
	@scripts/prepare test
	$(CARGO) test $(LOCKED) --workspace --doc
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		set -x; exec $(CARGO) nextest run $(LOCKED) --workspace; \
	else \
		set -x; exec $(CARGO) test $(LOCKED) --workspace --no-fail-fast --lib --bins --tests --examples; \
	fi

check: ## Formatting, lints, documentation and dependency rules, without running anything
	@scripts/prepare check
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(LOCKED) --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(LOCKED) --workspace --no-deps
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
		set -x; $(CARGO) deny --workspace $(LOCKED) check bans licenses sources; \
	else \
		echo "deny.toml was not checked: cargo-deny is not installed (cargo install --locked cargo-deny)"; \
	fi
	@scripts/check-unit
	@scripts/check-rules

bench: ## Run the benchmarks
	@scripts/prepare bench
	$(CARGO) bench $(LOCKED) --workspace

# `make bench` has the steps; this is the whole, in the real program under traffic. It takes 20 minutes:
# RELOADS='--reloads 200 --every 5000' and the like are for shorter ones and for other paces.
reload-bench: ## Reload 10,000 hosts a thousand times: how long each takes, the memory, and what a client notices
	@scripts/prepare bench
	$(CARGO) build $(LOCKED) --release --package portcullis --bin portcullis
	$(CARGO) run $(LOCKED) --package loadtest --bin reloads -- $(RELOADS)

# Not part of `test`: it takes minutes, and what it prints is a number for people.
slow-clients: ## Measure what 2,000 slow clients of each kind make the gateway hold
	@scripts/prepare bench
	$(CARGO) build $(LOCKED) --release --package portcullis --package loadtest --bin portcullis --bin slow-clients
	ulimit -n 16384 && target/release/slow-clients target/release/portcullis

# A measurement of some minutes and not a check: what it prints is read, see loadtest/README.md.
flood: ## Measure what a polite client notices of floods by 10,000 addresses, and the memory of 1,000,000
	@scripts/prepare bench
	$(CARGO) build $(LOCKED) --release --package portcullis --bin portcullis
	$(CARGO) run $(LOCKED) --package loadtest --bin flood -- $(FLOOD)

# What it prints is read: on a machine that does something else a single number says nothing.
log-bench: ## Measure what the access log costs, in throughput and processor time (needs wrk and nginx)
	@scripts/prepare bench
	$(CARGO) build $(LOCKED) --release --package portcullis --bin portcullis
	loadtest/log-bench.sh

# A release build, which takes some minutes. cargo-deb is not a dependency of the project, so it is not in Cargo.lock.
deb: ## Build the Debian package into target/debian (installs cargo-deb where it is missing)
	@scripts/prepare deb
	@$(CARGO) deb --version >/dev/null 2>&1 || { set -x; $(CARGO) install --locked cargo-deb; }
	rm -rf target/pages
	$(CARGO) run $(LOCKED) --release --example pages -- target/pages
	$(CARGO) deb $(LOCKED)

# Not part of `test`: it builds a release in a container. Needs podman or docker, and the network for the base images.
image-test: ## Build the container image and try it as it is meant to run
	scripts/image-test

# Some minutes, and needs the Debian package slowhttptest.
slowhttptest: ## Run slowhttptest's slow header, body and read modes against the demo, with an honest client beside it
	@scripts/prepare bench
	$(CARGO) build $(LOCKED) --release --package portcullis --package loadtest --bin portcullis --bin demo
	loadtest/slowhttptest.sh

# Not part of `check`: it needs the network, and an advisory published today must not break a change made yesterday.
audit: ## Compare the dependencies with the RustSec advisories (needs cargo-deny and the network)
	$(CARGO) deny --workspace $(LOCKED) check advisories
