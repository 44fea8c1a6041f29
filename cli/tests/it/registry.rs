//! A registry that serves one artefact over plain HTTP on 127.0.0.1: enough of the OCI distribution
//! specification for a pull, and nothing else.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use ids::Sha256Digest;
use serde_json::json;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const LAYER: &str = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip";
const CONFIG: &str = "application/vnd.aquasec.trivy.config.v1+json";

/// Path to content type and bytes.
type Served = BTreeMap<String, (&'static str, Vec<u8>)>;

/// It answers until the test ends.
pub(crate) struct Registry {
    port: u16,
    served: Arc<Mutex<Served>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Registry {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let served: Arc<Mutex<Served>> = Arc::default();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let registry = Self { port, served: Arc::clone(&served), requests: Arc::clone(&requests) };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (served, requests) = (Arc::clone(&served), Arc::clone(&requests));
                thread::spawn(move || answer(stream.unwrap(), &served, &requests));
            }
        });
        registry
    }

    pub(crate) fn repository(&self) -> String {
        format!("127.0.0.1:{}/trivy-db:2", self.port)
    }

    /// What was asked for so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Publishes a layer as the tag `2`, in place of what was there.
    pub(crate) fn publish(&self, layer: &[u8]) {
        let digest = |bytes: &[u8]| format!("sha256:{}", Sha256Digest::of(bytes));
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": digest(b"{}"), "size": 2},
            "layers": [{
                "mediaType": LAYER,
                "digest": digest(layer),
                "size": layer.len(),
                "annotations": {"org.opencontainers.image.title": "db.tar.gz"},
            }],
        });
        let manifest = manifest.to_string().into_bytes();
        let blob = |bytes: &[u8]| (format!("/v2/trivy-db/blobs/{}", digest(bytes)), bytes.to_vec());
        let mut served = Served::new();
        served.insert("/v2/".into(), ("application/json", b"{}".to_vec()));
        for (path, bytes) in [blob(b"{}"), blob(layer)] {
            served.insert(path, ("application/octet-stream", bytes));
        }
        for name in ["2".to_owned(), digest(&manifest)] {
            served.insert(format!("/v2/trivy-db/manifests/{name}"), (MANIFEST, manifest.clone()));
        }
        *self.served.lock().unwrap() = served;
    }
}

fn answer(mut stream: TcpStream, served: &Mutex<Served>, requests: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(request)) = lines.next() else { return };
    // The rest of the request's head: nothing in it matters.
    for line in lines {
        if line.is_ok_and(|line| line.is_empty()) {
            break;
        }
    }
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    requests.lock().unwrap().push(format!("{method} {path}"));
    let found = served.lock().unwrap().get(path).cloned();
    let (status, (kind, bytes)) = match found {
        Some(found) => ("200 OK", found),
        None => ("404 Not Found", ("application/json", br#"{"errors":[]}"#.to_vec())),
    };
    let digest = Sha256Digest::of(&bytes);
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         Docker-Content-Digest: sha256:{digest}\r\nConnection: close\r\n\r\n",
        bytes.len()
    );
    // Whoever asked may have gone.
    let _ = stream.write_all(head.as_bytes());
    if method == "GET" {
        let _ = stream.write_all(&bytes);
    }
}
