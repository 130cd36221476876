//! Certificates and proxies: what the environment of the process says of them.

use std::io::{Read, Write};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

use super::*;

/// A self-signed certificate of `localhost`, its key, and another one: for these tests only, from 2020
/// to 2120.
const OURS: &str = "\
MIIBPjCB5aADAgECAgEBMAoGCCqGSM49BAMCMBQxEjAQBgNVBAMMCWxvY2FsaG9zdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIw\
MDEwMTAwMDAwMFowFDESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEzQi1YI6p2SDZk2T6\
dJwFVHx8nZZM9resAlyqsjBhESS9NrLCNAIs0RBSPQIzFq5OM3piNZnLgUP7AR0OuuIUCKMmMCQwFAYDVR0RBA0wC4IJbG9j\
YWxob3N0MAwGA1UdEwEB/wQCMAAwCgYIKoZIzj0EAwIDSAAwRQIhAIKQjZCjTTmbOb2KOQlCPIrP+Tit8z7DlbxvPmJzKsAz\
AiACg2chVPipr5e/b61Ye99Oxq87ifiJbqlNYJJFWaM8MA==";
const KEY_OF_OURS: &str = "\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgaX5tvQPlSWXDzQyPv/loKzpZEYVv8gqF4OUEeoyGPT2hRANC\
AATNCLVgjqnZINmTZPp0nAVUfHydlkz2t6wCXKqyMGERJL02ssI0AizREFI9AjMWrk4zemI1mcuBQ/sBHQ664hQI";
const ANOTHER: &str = "\
MIIBPjCB5aADAgECAgECMAoGCCqGSM49BAMCMBQxEjAQBgNVBAMMCWxvY2FsaG9zdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIw\
MDEwMTAwMDAwMFowFDESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAELwsF3+1+IRoquuuH\
ooc67B8nsL1xABtr0CVTl6peg4OIINubPyIK7L73lmiTo8Oaz8fMyjtQhxdjCOp4aPoyH6MmMCQwFAYDVR0RBA0wC4IJbG9j\
YWxob3N0MAwGA1UdEwEB/wQCMAAwCgYIKoZIzj0EAwIDSAAwRQIhAJXLrNgf11oVi6exygv6M8qIDLX7G1krnQUY7lE5WH8J\
AiBSDkzz9KgHcQBQ099duNmZGfn67muG5BWI0S/nXyuT9g==";

/// A server that shows our certificate and answers each request.
fn serve() -> String {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let key = PrivatePkcs8KeyDer::from(STANDARD.decode(KEY_OF_OURS).unwrap());
    let chain = vec![STANDARD.decode(OURS).unwrap().into()];
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from(key))
        .unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut tcp = stream;
            let mut tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = Stream::new(&mut tls, &mut tcp);
            let (mut bytes, mut some) = (Vec::new(), [0; 4_096]);
            while !is_whole(&bytes) {
                match stream.read(&mut some) {
                    Ok(0) | Err(_) => break,
                    Ok(read) => bytes.extend_from_slice(&some[..read]),
                }
            }
            if let (Act::Say(reply), true) = (chat("Keeps one.", "stop"), is_whole(&bytes)) {
                let _ = stream.write_all(reply.as_bytes());
            }
        }
    });
    format!("https://localhost:{port}/v1")
}

/// Runs a test in which only these authorities are trusted.
fn passes_trusting(test: &str, authority: &str) -> bool {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = format!("-----BEGIN CERTIFICATE-----\n{authority}\n-----END CERTIFICATE-----\n");
    std::fs::write(&file, text).unwrap();
    let file = file.path().to_str().unwrap();
    passes_with(test, &[("SSL_CERT_FILE", file)])
}

#[test]
fn ssl_cert_file_names_the_authorities_that_are_trusted() {
    assert!(passes_trusting("tls::our_certificate_is_trusted", OURS));
    assert!(passes_trusting(
        "tls::our_certificate_is_not_trusted",
        ANOTHER
    ));
}

#[tokio::test]
#[ignore = "run with SSL_CERT_FILE by ssl_cert_file_names_the_authorities_that_are_trusted"]
async fn our_certificate_is_trusted() {
    let endpoint = Endpoint::new(options(&serve())).unwrap();
    let answer = endpoint.complete(&prompt(), 100).await.unwrap();
    assert_eq!(answer.text, "Keeps one.");
}

#[tokio::test]
#[ignore = "run with SSL_CERT_FILE by ssl_cert_file_names_the_authorities_that_are_trusted"]
async fn our_certificate_is_not_trusted() {
    let endpoint = Endpoint::new(options(&serve())).unwrap();
    let (failure, _) = endpoint.complete(&prompt(), 100).await.unwrap_err();
    assert_eq!(failure.remedy, Remedy::Unreachable);
    let line = failure.to_line();
    assert!(line.contains("certificate is not trusted"), "{line}");
    assert!(line.contains("SSL_CERT_FILE"), "{line}");
}

#[test]
fn a_proxy_that_does_not_answer_is_named() {
    // Nothing listens there.
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let environment = [(name, "http://127.0.0.1:1"), ("EXPECTED_PROXY", name)];
        assert!(passes_with("tls::what_fails_names_the_proxy", &environment));
    }
}

#[tokio::test]
#[ignore = "run with a proxy by a_proxy_that_does_not_answer_is_named"]
async fn what_fails_names_the_proxy() {
    let endpoint = Endpoint::new(options("http://model.invalid/v1"));
    let all = std::env::var("EXPECTED_PROXY").unwrap();
    if all == "ALL_PROXY" {
        let (failure, _) = endpoint
            .unwrap()
            .complete(&prompt(), 100)
            .await
            .unwrap_err();
        assert!(failure.to_line().contains("ALL_PROXY"), "{failure:?}");
    }
    let endpoint = Endpoint::new(options("https://model.invalid/v1")).unwrap();
    let (failure, _) = endpoint.complete(&prompt(), 100).await.unwrap_err();
    assert!(failure.to_line().contains(&all), "{failure:?}");
}
