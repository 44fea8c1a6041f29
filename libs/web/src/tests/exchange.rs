//! Requests and answers, with TLS and without, and what is refused of either.

use super::fixture::{Pki, client, serve, tls, trusting};
use crate::{
    BindError, ClientOptions, RequestError, RootsError, Server, ServerOptions, StatusCode,
};

#[tokio::test]
async fn requests_are_answered_over_tls_on_one_connection() {
    let pki = Pki::new();
    let server = serve(tls(&pki));
    assert!(server.url.starts_with("https://127.0.0.1:"));
    let client = trusting(&pki);
    let got = client.get(&format!("{}/a", server.url)).await.unwrap();
    assert_eq!((got.status, got.media_type()), (StatusCode::OK, "text/plain"));
    let posted = client.post(&format!("{}/b", server.url), "text/plain", "12345").await.unwrap();
    let [got, posted] = [got, posted].map(|answer| String::from_utf8(answer.body.into()).unwrap());
    assert!(got.starts_with("GET /a 0 ") && posted.starts_with("POST /b 5 "), "{got} {posted}");
    let port = |text: &str| text.rsplit(' ').next().unwrap().to_owned();
    assert_eq!(port(&got), port(&posted), "the connection is used again");
}

#[tokio::test]
async fn a_server_of_another_ca_is_refused_with_cause_and_remedy() {
    let (pki, other) = (Pki::new(), Pki::new());
    let server = serve(tls(&pki));
    let refused = trusting(&other).get(&server.url).await.unwrap_err();
    assert!(matches!(refused, RequestError::Connect { .. }));
    let said = refused.in_one_line();
    assert!(said.contains(&server.url) && said.contains("CA file"), "{said}");
    assert!(said.contains("invalid peer certificate"), "{said}");
    let without = client(ClientOptions::default()).get(&server.url).await.unwrap_err();
    assert!(without.in_one_line().contains("no CA is configured"), "{without:?}");
}

#[tokio::test]
async fn plain_http_stays_on_this_machine() {
    let server = serve(ServerOptions::default());
    let options = ClientOptions::default();
    assert!(client(options.clone()).get(&server.url).await.unwrap().status.is_success());
    let far = "http://192.0.2.1:1/".to_owned();
    // A name is looked up, and may be anybody; an address is what it is.
    for url in [&far, "http://localhost:1/"] {
        let refused = client(options.clone()).get(url).await.unwrap_err();
        assert!(matches!(refused, RequestError::Plain { .. }), "{refused}");
    }
    let nobody = client(options.clone()).get("http://[::1]:1/").await.unwrap_err();
    assert!(matches!(nobody, RequestError::Connect { .. }), "{nobody}");
    let allowed = ClientOptions { allow_plain: true, connect_timeout_ms: 1, ..options };
    let tried = client(allowed).get(&far).await.unwrap_err();
    assert!(matches!(tried, RequestError::Connect { .. }), "{tried}");
    let open = ServerOptions { listen: "0.0.0.0:0".parse().unwrap(), ..ServerOptions::default() };
    assert!(matches!(Server::bind(open), Err(BindError::Plain(_))));
}

#[tokio::test]
async fn what_is_no_address_is_never_asked() {
    let client = client(ClientOptions::default());
    for url in ["", "/path", "ftp://127.0.0.1/", "http://", "http://user@127.0.0.1/", "http://a b/"]
    {
        let refused = client.get(url).await.unwrap_err();
        assert!(matches!(refused, RequestError::Url { .. }), "{url}: {refused}");
    }
}

#[tokio::test]
async fn redirects_are_answers_and_nothing_is_followed() {
    let server = serve(ServerOptions::default());
    let moved = client(ClientOptions::default()).get(&format!("{}/moved", server.url)).await;
    assert_eq!(moved.unwrap().status, StatusCode::FOUND);
}

#[tokio::test]
async fn nobody_there_is_said_with_the_address() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let refused = client(ClientOptions::default()).get(&url).await.unwrap_err();
    let said = refused.in_one_line();
    assert!(said.contains(&url) && said.contains("refused"), "{said}");
}

#[test]
fn a_file_of_roots_that_holds_none_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.pem");
    let open =
        || crate::Client::new(ClientOptions { ca: Some(path.clone()), ..ClientOptions::default() });
    let said = |refused: RootsError| rpc::status::chain(&refused);
    assert!(said(open().unwrap_err()).contains("cannot be read"));
    std::fs::write(&path, "no certificate").unwrap();
    let refused = said(open().unwrap_err());
    assert!(refused.contains("ca.pem") && refused.contains("PEM"), "{refused}");
}
