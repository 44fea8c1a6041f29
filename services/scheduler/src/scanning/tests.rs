//! What watchers are told, and what is read out of a scan before anybody verifies it.

use std::sync::Arc;

use testkit::evidence::Fixture;

use super::*;

#[test]
fn watchers_are_told_which_scans_are_under_way() {
    let said = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&said);
    let say = Box::new(move |text: String| heard.lock().unwrap().push(text));
    let (open, all) = (Mutex::new(ScanTarget::ALL.to_vec()), ScanTarget::ALL.len());
    let count = Count { open, done: AtomicUsize::new(0), all, say };
    count.say();
    for target in [ScanTarget::Inputs, ScanTarget::Image, ScanTarget::Mesh, ScanTarget::Outputs] {
        count.ended(target);
    }
    let told = said.lock().unwrap();
    assert_eq!(told[0], "scanning: image, inputs, outputs, mesh (0 of 4 done)");
    assert_eq!(told[2], "scanning: outputs, mesh (2 of 4 done)");
    assert_eq!(told[4], "scanning: done (4 of 4 done)");
}

#[test]
fn the_report_is_the_one_that_the_scan_names() {
    let set = Fixture::new().set();
    for scan in &set.scans {
        let envelope = Envelope::parse(&scan.envelope, MAX_DOCUMENT_BYTES).unwrap();
        let text = String::from_utf8(envelope.unverified_payload().to_vec()).unwrap();
        assert!(text.contains(&report_of(scan).unwrap().to_hex()));
    }
    report_of(&set.request).unwrap_err();
}
