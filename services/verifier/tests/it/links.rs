//! VerifyLink, with files of the reference implementation.

use proto::verifier::v1::VerifyLinkRequest;
use tonic::Code;

use crate::mesh::{TestMesh, failures};

macro_rules! data {
    ($name:literal) => {
        include_bytes!(concat!("../../../../libs/envelope/tests/data/in-toto/ed25519/", $name))
            .to_vec()
    };
}

fn request() -> VerifyLinkRequest {
    VerifyLinkRequest {
        link: data!("run_training.link"),
        layout: data!("root.layout"),
        owner_public_key: String::from_utf8(data!("owner.pub")).unwrap(),
        further_links: Vec::new(),
    }
}

#[tokio::test]
async fn a_link_of_the_reference_implementation_holds_and_a_changed_one_does_not() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let answer = mesh.user(&running).verify_link(request()).await.unwrap().into_inner();
    assert_eq!(failures(&answer.verdict.unwrap()), Vec::<&str>::new());

    let link = String::from_utf8(request().link).unwrap().replace("-m", "-x");
    let changed = VerifyLinkRequest { link: link.into_bytes(), ..request() };
    let answer = mesh.user(&running).verify_link(changed).await.unwrap().into_inner();
    assert_eq!(failures(&answer.verdict.unwrap()), ["link.signature", "link.command"]);

    let empty = VerifyLinkRequest { link: Vec::new(), layout: Vec::new(), ..request() };
    let answer = mesh.user(&running).verify_link(empty).await.unwrap().into_inner();
    assert_eq!(failures(&answer.verdict.unwrap()), ["layout.format", "link.format"]);

    let twice = VerifyLinkRequest { further_links: vec![request().link], ..request() };
    let answer = mesh.user(&running).verify_link(twice).await.unwrap().into_inner();
    assert_eq!(failures(&answer.verdict.unwrap()), ["layout.steps", "link.1.step"]);

    let many = VerifyLinkRequest { further_links: vec![Vec::new(); 9], ..request() };
    let refused = mesh.user(&running).verify_link(many).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(rpc::reason_of(&refused).as_deref(), Some("TOO_MANY_LINKS"));
    running.stop().await;
}

#[tokio::test]
async fn an_owner_key_that_is_none_is_refused() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let bad = VerifyLinkRequest { owner_public_key: "hello".to_owned(), ..request() };
    let refused = mesh.user(&running).verify_link(bad).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(rpc::reason_of(&refused).as_deref(), Some("INVALID_KEY"));
    running.stop().await;
}
