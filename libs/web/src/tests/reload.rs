//! Certificates and roots that change under a running server and client.

use super::fixture::{Pki, serve, tls, trusting};
use crate::{
    CertificateError, Server,
    certificate::{Polled, Presented},
    roots::Roots,
};

#[test]
fn a_new_pair_is_taken_and_one_half_of_it_is_not() {
    rpc::install_crypto();
    let (pki, next) = (Pki::new(), Pki::new());
    let presented = Presented::load(&pki.files()).unwrap();
    assert_eq!(presented.poll(), Polled::Unchanged);
    let (old, new) = (pki.files(), next.files());
    std::fs::rename(&new.certificate, &old.certificate).unwrap();
    assert_eq!(presented.poll(), Polled::Refused, "the key is still the old one's");
    std::fs::rename(&new.key, &old.key).unwrap();
    assert_eq!(presented.poll(), Polled::Reloaded);
    assert_eq!(presented.poll(), Polled::Unchanged);
}

#[test]
fn files_that_do_not_fit_together_start_no_server() {
    rpc::install_crypto();
    let (pki, other) = (Pki::new(), Pki::new());
    std::fs::rename(other.files().key, pki.files().key).unwrap();
    let refused = Server::bind(tls(&pki)).unwrap_err();
    assert!(refused.to_string().contains("does not hold the private key of"), "{refused}");
    std::fs::remove_file(pki.files().certificate).unwrap();
    let refused = Presented::load(&pki.files()).unwrap_err();
    assert!(matches!(refused, CertificateError::Chain { .. }));
}

#[test]
fn a_key_that_others_may_read_starts_no_server() {
    use std::os::unix::fs::PermissionsExt as _;
    let pki = Pki::new();
    let key = pki.files().key;
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = Presented::load(&pki.files()).unwrap_err();
    assert!(rpc::status::chain(&refused).contains("chmod 600"), "{refused:?}");
}

#[tokio::test]
async fn a_client_takes_the_roots_that_its_file_holds_now() {
    let pki = Pki::new();
    let client = trusting(&pki);
    pki.renew();
    let server = serve(tls(&pki));
    assert!(client.get(&server.url).await.unwrap().status.is_success());
}

#[test]
fn roots_that_cannot_be_used_leave_the_old_ones() {
    let pki = Pki::new();
    let roots = Roots::read(&pki.ca()).unwrap();
    let before = roots.tls();
    std::fs::write(pki.ca(), "gone").unwrap();
    assert!(std::sync::Arc::ptr_eq(&before, &roots.tls()));
    pki.renew();
    assert!(!std::sync::Arc::ptr_eq(&before, &roots.tls()));
}
