//! The link of the submit step: signed with the training evidence, and the same bytes for ever.

use envelope::link::verify_exact;
use evidence::submit_link;
use keys::SigningKey as _;

use crate::{
    fake::{Answer, Fakes},
    world::World,
};

#[tokio::test]
async fn the_signer_is_sent_the_same_link_after_a_restart() {
    let (world, mut fakes) = Fakes::start(World::new(), Answer::Away).await;
    let running = world.start().await;
    world.upload_input(&running.url).await;
    world.submit(&running.url, 1).await;
    let lease = world.lease(&running.url, &world.mesh.executor).await.unwrap();
    world.complete(&running.url, lease).await;
    let first = fakes.heard().await;
    running.stop().await;

    let request = world.request(1);
    let link = submit_link(&request, first.request.digest());
    let key = world.mesh.scheduler.key.public_key();
    assert_eq!(verify_exact(&first.submission.envelope, &link, key), Ok(()));
    assert_eq!(first.submission.certificates.concat(), world.mesh.scheduler.certificate_der);

    fakes.forget();
    let running = world.start().await;
    assert_eq!(fakes.heard().await, first);
    running.stop().await;
}
