//! VerifyFile: a bundle, then a file in pieces.

use bytes::Bytes;
use ids::Sha256Digest;
use proto::verifier::v1::{VerifyFileRequest, VerifyFileResponse, verify_file_request::Part};
use testkit::evidence::{inputs, outputs};
use tonic::{Code, Status};

use crate::{
    made,
    mesh::{Running, TestMesh, failures},
};

fn bundle_part(bytes: Vec<u8>) -> Part {
    Part::Bundle(bytes.into())
}

fn chunk(bytes: &[u8]) -> Part {
    Part::Chunk(Bytes::copy_from_slice(bytes))
}

async fn call(
    mesh: &TestMesh,
    running: &Running,
    parts: Vec<Part>,
) -> Result<VerifyFileResponse, Status> {
    let messages = parts.into_iter().map(|part| VerifyFileRequest { part: Some(part) });
    let stream = tokio_stream::iter(messages.collect::<Vec<_>>());
    mesh.user(running).verify_file(stream).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn inputs_and_outputs_are_known_by_name() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let bundle = made::bundle(&mesh.fixture).to_bytes().unwrap();
    let (_, name, input) = inputs()[1];
    let (output_name, output) = outputs()[3];
    for (part, name, file) in [("input", name, input), ("output", output_name, output)] {
        let pieces = file.chunks(7).map(chunk);
        let parts = std::iter::once(bundle_part(bundle.clone())).chain(pieces).collect();
        let answer = call(&mesh, &running, parts).await.unwrap();
        let verdict = answer.verdict.unwrap();
        assert_eq!(failures(&verdict), Vec::<&str>::new());
        assert_eq!(verdict.checks.last().unwrap().name, "file.known");
        assert_eq!((answer.part.as_str(), answer.name.as_str()), (part, name));
        assert_eq!(answer.sha256, Sha256Digest::of(file).to_hex());
    }
    running.stop().await;
}

#[tokio::test]
async fn a_strange_file_and_a_bad_bundle_are_refused() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let mut bundle = made::bundle(&mesh.fixture);
    let good = bundle.to_bytes().unwrap();
    let answer = call(&mesh, &running, vec![bundle_part(good), chunk(b"strange")]).await.unwrap();
    assert_eq!(failures(&answer.verdict.unwrap()), ["file.known"]);
    assert_eq!((answer.part.as_str(), answer.name.as_str()), ("", ""));

    bundle.inclusion.salt[0] ^= 1;
    let (_, _, input) = inputs()[0];
    let parts = vec![bundle_part(bundle.to_bytes().unwrap()), chunk(input)];
    let verdict = call(&mesh, &running, parts).await.unwrap().verdict.unwrap();
    let failed = failures(&verdict);
    assert!(failed.contains(&"ledger.entry") && failed.contains(&"file.known"), "{failed:?}");
    running.stop().await;
}

#[tokio::test]
async fn messages_out_of_order_or_too_long_are_refused() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let bundle = made::bundle(&mesh.fixture).to_bytes().unwrap();
    let cases = [
        (vec![], "MESSAGE_ORDER"),
        (vec![chunk(b"a")], "MESSAGE_ORDER"),
        (vec![bundle_part(bundle.clone()), bundle_part(bundle.clone())], "MESSAGE_ORDER"),
        (vec![bundle_part(bundle), chunk(&vec![0; 1024 * 1024 + 1])], "CHUNK_TOO_LARGE"),
    ];
    for (parts, reason) in cases {
        let refused = call(&mesh, &running, parts).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(rpc::reason_of(&refused).as_deref(), Some(reason));
    }
    running.stop().await;
}
