//! One request to the admin listener, and its answer.

use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use http::{Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslConnector, SslMethod, SslVersion};
use openssl::x509::X509VerifyResult;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509VerifyFlags;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_openssl::SslStream;

use super::Listener;
use super::listener::Trust;

/// The largest answer: some hundred thousand bans.
const LARGEST: usize = 64 * 1024 * 1024;

/// Asks once, over a connection of its own: the status, and the whole body.
pub(super) fn once(
    admin: &Listener,
    (method, path): (Method, &str),
    what: Option<&Value>,
    patience: Duration,
) -> Result<(StatusCode, String), String> {
    let place = &admin.place;
    if admin.token.is_some() && !place.is_private() {
        return Err(format!(
            "portcullis: the token would be readable on the way to {place}: write `--admin https://...`\n"
        ));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("portcullis: the system gives no runtime: {error}\n"))?;
    let asked = async {
        match timeout(patience, ask(admin, method, path, what)).await {
            Ok(answered) => answered,
            Err(_) => Err(silent(admin, &format!("no answer within {patience:?}"))),
        }
    };
    let answered = runtime.block_on(asked);
    // A look-up of a name that nobody waits for any more.
    runtime.shutdown_background();
    answered
}

fn silent(admin: &Listener, why: &dyn std::fmt::Display) -> String {
    let place = &admin.place;
    format!(
        "portcullis: no gateway answers on {place}: {why}\nIs it running, and is this its `admin.listen`?\n"
    )
}

async fn ask(
    admin: &Listener,
    method: Method,
    path: &str,
    what: Option<&Value>,
) -> Result<(StatusCode, String), String> {
    let place = &admin.place;
    let request = request(admin, method, path, what)
        .map_err(|error| format!("portcullis: this cannot be asked: {error}\n"))?;
    let tcp = TcpStream::connect((place.name(), place.port)).await;
    let tcp = tcp.map_err(|error| silent(admin, &error))?;
    let answer = match place.tls {
        false => exchange(tcp, request).await,
        true => exchange(secured(admin, tcp).await?, request).await,
    };
    let (status, body) = answer.map_err(|error| silent(admin, &error))?.into_parts();
    let bytes = to_bytes(Body::new(body), LARGEST).await;
    let bytes =
        bytes.map_err(|error| format!("portcullis: the answer of {place} broke off: {error}\n"))?;
    Ok((status.status, String::from_utf8_lossy(&bytes).into_owned()))
}

fn request(
    admin: &Listener,
    method: Method,
    path: &str,
    what: Option<&Value>,
) -> Result<Request<Body>, http::Error> {
    let place = &admin.place;
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, format!("{}:{}", place.host, place.port))
        .header(header::CONNECTION, "close");
    if let Some(token) = &admin.token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    match what {
        None => request.body(Body::empty()),
        Some(what) => request
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(what.to_string())),
    }
}

async fn exchange<S>(stream: S, request: Request<Body>) -> hyper::Result<Response<Incoming>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the runtime.
    tokio::spawn(connection);
    sender.send_request(request).await
}

async fn secured(admin: &Listener, tcp: TcpStream) -> Result<SslStream<TcpStream>, String> {
    let ssl = handshake(admin);
    let ssl = ssl.map_err(|error| format!("portcullis: TLS cannot begin: {error}\n"))?;
    let stream = SslStream::new(ssl, tcp);
    let mut stream = stream.map_err(|error| silent(admin, &error))?;
    match Pin::new(&mut stream).connect().await {
        Ok(()) => Ok(stream),
        Err(error) => {
            let verdict = stream.ssl().verify_result();
            if verdict == X509VerifyResult::OK {
                return Err(silent(admin, &error));
            }
            let remedy = match admin.trust {
                Trust::Exactly(_) => {
                    "It is not the one in `admin.tls.cert`: has the gateway been reloaded since that was replaced?"
                }
                _ => "`--ca FILE` names who vouches for it.",
            };
            let (place, why) = (&admin.place, verdict.error_string());
            Err(format!(
                "portcullis: the certificate of {place} does not verify: {why}\n{remedy}\n"
            ))
        }
    }
}

fn handshake(admin: &Listener) -> Result<Ssl, ErrorStack> {
    let mut builder = SslConnector::builder(SslMethod::tls_client())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    let mut named = true;
    match &admin.trust {
        Trust::System => {
            // The OpenSSL in this program does not know where the system keeps them.
            if let Some(file) = openssl_probe::probe().cert_file {
                builder.set_ca_file(file)?;
            }
        }
        Trust::Authorities(certificates) => {
            let mut store = X509StoreBuilder::new()?;
            // The listener's own certificate will do as well.
            store.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
            for certificate in certificates {
                store.add_cert(certificate.clone())?;
            }
            builder.set_cert_store(store.build());
        }
        Trust::Exactly(certificate) => {
            named = false;
            let mut store = X509StoreBuilder::new()?;
            store.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
            store.add_cert((**certificate).clone())?;
            builder.set_cert_store(store.build());
        }
    }
    if let Some((chain, key)) = &admin.identity
        && let Some((leaf, rest)) = chain.split_first()
    {
        builder.set_certificate(leaf)?;
        builder.set_private_key(key)?;
        for link in rest {
            builder.add_extra_chain_cert(link.clone())?;
        }
    }
    let mut configuration = builder.build().configure()?;
    // SECURITY: without the name only where one single certificate is believed.
    configuration.set_verify_hostname(named);
    configuration.into_ssl(admin.place.name())
}
