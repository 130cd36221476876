//! What chance makes of requests.

use super::*;

/// Requests that a browser would not send: each gets an answer or none, and never a word of an internal error.
#[tokio::test]
async fn any_request_is_answered_or_refused() {
    let routes = [
        "/v1/status",
        "/v1/repositories",
        "/v1/node?path=/repo",
        "/v1/node?path=/repo/main.py&depth=3",
        "/v1/estimate?path=/repo",
        "/v1/cache",
        "/v1/cache/gc",
        "/v1/cache/verify",
        "/v1/wait",
        "/metrics",
        "/openapi.json",
    ];
    let bodies = [
        "",
        "{}",
        "{\"path\":\"/repo\"}",
        "{\"max_age_days\":3}",
        "{\"timeout_ms\":1}",
        "[]",
        "null",
    ];
    let words: [&[u8]; 12] = [
        b"%00",
        b"%ff%fe",
        b"%",
        b"&path=",
        b"?",
        b"\r\n",
        b"\r\n\r\n",
        b"content-length: 5",
        b"transfer-encoding: chunked",
        b"HTTP/1.0",
        b"expect: 100-continue",
        b"connection: upgrade",
    ];
    let served = start(&small());
    let mut answered = 0;
    for seed in crate::fuzz::rounds(600) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let method = ["GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS"][rng.usize(..6)];
        let body = bodies[rng.usize(..bodies.len())];
        let route = routes[rng.usize(..routes.len())];
        let (route, body) = match rng.u8(0..3) {
            // The frame stays whole: this has to be answered.
            0 => {
                let route = crate::fuzz::mutated(&mut rng, route.as_bytes(), &words);
                let legal = |byte: &u8| byte.is_ascii_graphic();
                let route: Vec<u8> = route.into_iter().filter(legal).collect();
                (
                    format!("/{}", String::from_utf8(route).unwrap()),
                    body.as_bytes().to_vec(),
                )
            }
            1 => (
                route.to_owned(),
                crate::fuzz::mutated(&mut rng, body.as_bytes(), &[]),
            ),
            _ => (route.to_owned(), crate::fuzz::bytes(&mut rng, 60)),
        };
        let mut request = format!(
            "{method} {route} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(&body);
        let broken = rng.u8(0..3) == 0;
        if broken {
            request = crate::fuzz::mutated(&mut rng, &request, &words);
        }
        let mut stream = UnixStream::connect(&served.socket).await.unwrap();
        // It may hang up before it has heard all.
        let _ = stream.write_all(&request).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.starts_with("HTTP/1.1 5"), "seed {seed}: {answer}");
        if !broken {
            assert!(
                answer.starts_with("HTTP/1.1 "),
                "seed {seed}: {request:?}: {answer:?}"
            );
            answered += 1;
        }
    }
    assert!(answered > 0);
    assert_eq!(exchange(&served, "GET", "/v1/status", "").await.0, 200);
}
