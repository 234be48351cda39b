//! Which certificate for which name.
//!
//! ```ignore
//! let context = names.find("www.example.com").ok_or(UnknownName)?;
//! ```

use std::collections::{HashMap, HashSet};

use openssl::nid::Nid;
use openssl::pkey::Id;
use openssl::ssl::SslContext;
use openssl::x509::{X509, X509Ref};

use super::{Certificate, Options, Rules, TlsError};

/// The prepared contexts by name. A key that begins with `*.` matches one label (RFC 6125 section 6.4.3).
pub(super) struct Names {
    contexts: HashMap<String, SslContext>,
    /// For clients without SNI; `None` refuses them.
    unnamed: Option<SslContext>,
    pub(super) uncovered: Vec<String>,
}

impl Names {
    pub(super) fn build(options: &Options<'_>, rules: &Rules) -> Result<Names, TlsError> {
        let Some(first) = options.certificates.first() else {
            return Err(TlsError::NoCertificate);
        };
        let covers = covers(options.certificates);
        let mut prepared: HashMap<Vec<usize>, SslContext> = HashMap::new();
        let mut context = |mut wanted: Vec<usize>| -> Result<SslContext, TlsError> {
            wanted.sort_unstable();
            wanted.dedup();
            if let Some(context) = prepared.get(&wanted) {
                return Ok(context.clone());
            }
            let context = prepare(options.certificates, &wanted, rules)?;
            prepared.insert(wanted, context.clone());
            Ok(context)
        };
        let mut contexts = HashMap::new();
        let mut uncovered = Vec::new();
        match &options.names {
            None => {
                for (name, wanted) in &covers {
                    contexts.insert(name.clone(), context(wanted.clone())?);
                }
            }
            Some(hosts) => {
                for host in hosts {
                    match one_per_key(options.certificates, covering(&covers, host)) {
                        wanted if wanted.is_empty() => uncovered.push(host.clone()),
                        wanted => {
                            contexts.insert(host.clone(), context(wanted)?);
                        }
                    }
                }
            }
        }
        uncovered.sort_unstable();
        let unnamed = match (options.require_sni, first.chain.first()) {
            (false, Some(leaf)) => {
                // With the certificate of the other key type beside it, if there is one for the same name.
                let siblings = names_of(leaf)
                    .first()
                    .and_then(|name| covers.get(name))
                    .filter(|siblings| siblings.contains(&0))
                    .cloned();
                Some(context(siblings.unwrap_or_else(|| vec![0]))?)
            }
            _ => None,
        };
        Ok(Names {
            contexts,
            unnamed,
            uncovered,
        })
    }

    /// The context for a server name in lower case.
    pub(super) fn find(&self, name: &str) -> Option<&SslContext> {
        if name.starts_with('*') {
            return None;
        }
        self.contexts
            .get(name)
            .or_else(|| self.contexts.get(&wildcard_of(name)?))
    }

    pub(super) fn unnamed(&self) -> Option<&SslContext> {
        self.unnamed.as_ref()
    }
}

/// The names a certificate is for, in lower case: its DNS SANs; the common name only where it has no SAN at all (RFC 6125
/// section 6.4.4).
pub fn names_of(leaf: &X509Ref) -> Vec<String> {
    if let Some(sans) = leaf.subject_alt_names() {
        return sans
            .iter()
            .filter_map(|san| san.dnsname())
            .map(str::to_ascii_lowercase)
            .collect();
    }
    leaf.subject_name()
        .entries_by_nid(Nid::COMMONNAME)
        .filter_map(|entry| entry.data().to_string().ok())
        .map(|name| name.to_ascii_lowercase())
        .collect()
}

/// `www.example.com` to `*.example.com`.
fn wildcard_of(name: &str) -> Option<String> {
    let (label, parent) = name.split_once('.')?;
    (!label.is_empty()).then(|| format!("*.{parent}"))
}

/// For each name of a certificate, the certificates that serve it: the first of each key type.
fn covers(certificates: &[Certificate]) -> HashMap<String, Vec<usize>> {
    let mut all: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, certificate) in certificates.iter().enumerate() {
        for name in certificate
            .chain
            .first()
            .map(|leaf| names_of(leaf))
            .unwrap_or_default()
        {
            all.entry(name).or_default().push(index);
        }
    }
    for indexes in all.values_mut() {
        *indexes = one_per_key(certificates, std::mem::take(indexes));
    }
    all
}

/// Exact names before wildcards.
fn covering(covers: &HashMap<String, Vec<usize>>, host: &str) -> Vec<usize> {
    let exact = covers.get(host);
    let wildcard = wildcard_of(host).and_then(|wildcard| covers.get(&wildcard));
    [exact, wildcard]
        .into_iter()
        .flatten()
        .flatten()
        .copied()
        .collect()
}

fn one_per_key(certificates: &[Certificate], indexes: Vec<usize>) -> Vec<usize> {
    let mut seen: Vec<Id> = Vec::new();
    indexes
        .into_iter()
        .filter(|&index| {
            let Some(id) = certificates.get(index).map(|c| c.key.id()) else {
                return false;
            };
            let new = !seen.contains(&id);
            if new {
                seen.push(id);
            }
            new
        })
        .collect()
}

fn prepare(
    certificates: &[Certificate],
    wanted: &[usize],
    rules: &Rules,
) -> Result<SslContext, TlsError> {
    let mut builder = rules.builder()?;
    let mut sent: HashSet<Vec<u8>> = HashSet::new();
    let mut intermediates: Vec<&X509> = Vec::new();
    for certificate in wanted.iter().filter_map(|&index| certificates.get(index)) {
        let Some((leaf, chain)) = certificate.chain.split_first() else {
            continue;
        };
        builder.set_certificate(leaf)?;
        builder.set_private_key(&certificate.key)?;
        for link in chain {
            if sent.insert(link.to_der()?) {
                intermediates.push(link);
            }
        }
    }
    // Two certificates of one name share the list of intermediates: RFC 8446 section 4.4.2 has clients expect extraneous ones, and
    // the openssl crate has no safe call for a chain per certificate of a context.
    for link in intermediates {
        builder.add_extra_chain_cert(link.clone())?;
    }
    Ok(builder.build().into_context())
}
