//! Tests of the policy's text: it reads back, other people's spelling is read, the rest is refused.

use ed25519_dalek::SigningKey;

use super::{super::MAX_WITNESSES, *};

fn log(seed: u8) -> VerifierKey {
    let key = SigningKey::from_bytes(&[seed; 32]);
    VerifierKey::new("log.example", key.verifying_key()).unwrap()
}

fn cosigner(seed: u8) -> CosignerKey {
    let key = SigningKey::from_bytes(&[seed; 32]);
    CosignerKey::new("one-name-for-all", key.verifying_key()).unwrap()
}

fn policy(counts: &[bool], quorum: usize) -> LogPolicy {
    let witnesses = (2..).zip(counts);
    let witnesses = witnesses.map(|(seed, counts)| {
        let counts = if *counts { Counts::Always } else { Counts::Never };
        Witness { key: cosigner(seed), counts }
    });
    LogPolicy::new(log(1), witnesses.collect(), quorum).unwrap()
}

#[test]
fn every_policy_reads_back() {
    for (counts, quorum) in [
        (&[][..], 0),
        (&[true], 0),
        (&[true], 1),
        (&[false], 0),
        (&[true, false, true], 0),
        (&[true, false, true], 1),
        (&[true, true, true], 2),
        (&[true; MAX_WITNESSES], MAX_WITNESSES),
        (&[false; MAX_NAMED_WITNESSES], 0),
    ] {
        let policy = policy(counts, quorum);
        assert_eq!(policy.to_string().parse(), Ok(policy.clone()), "{policy}");
    }
}

#[test]
fn k_of_n_is_one_group() {
    let (log, a, b, c) = (log(1), cosigner(2), cosigner(3), cosigner(4));
    let text = policy(&[true, false, true], 2).to_string();
    let expected = format!(
        "log {log}\nwitness w1 {a}\nwitness w2 {b}\nwitness w3 {c}\n\
         group counting 2 w1 w3\nquorum counting\n"
    );
    assert_eq!(text, expected);
}

#[test]
fn a_retired_witness_is_named_with_its_time_and_counts_nothing_in_the_text() {
    let retired = Witness { key: cosigner(3), counts: Counts::Until(1_700_000_000) };
    let whole = vec![Witness::new(cosigner(2)), retired.clone()];
    let text = LogPolicy::new(log(1), whole, 1).unwrap().to_string();
    assert!(text.contains("# w2 is retired: it counted until 2023-11-14T22:13:20"), "{text}");
    assert!(text.ends_with("group counting 1 w1\nquorum counting\n"), "{text}");
    assert_eq!(text.parse(), Ok(policy(&[true, false], 1)));
}

#[test]
fn the_spelling_of_others_is_read() {
    let (log, a, b) = (log(1), cosigner(2), cosigner(3));
    let text = format!(
        "# comment\n\n \t# indented\nwitness X1 {a} https://w.example/\n\twitness  X2\t{b} \n\
         log {log} https://log.example/\ngroup X all X1 X2\nquorum X\n"
    );
    assert_eq!(text.parse(), Ok(policy(&[true, true], 2)));
    let any = text.replace("all X1", "any X1");
    assert_eq!(any.parse(), Ok(policy(&[true, true], 1)));
    let single = format!("log {log}\nwitness A {a}\nwitness B {b}\nquorum B\n");
    assert_eq!(single.parse(), Ok(policy(&[false, true], 1)));
}

#[test]
fn what_is_no_policy_of_one_log_and_k_of_n_is_refused() {
    let (first, second, a, b) = (log(1), log(9), cosigner(2), cosigner(3));
    let base = format!("log {first}\nwitness A {a}\nwitness B {b}\n");
    let whole = format!("{base}group G 1 A B\nquorum G\n");
    assert!(whole.parse::<LogPolicy>().is_ok());
    let cases = [
        (String::new(), PolicyTextError::Characters),
        (whole.trim_end().to_owned(), PolicyTextError::Characters),
        (whole.replace("A B", "A\u{b}B"), PolicyTextError::Characters),
        (whole.replace('\n', "\r\n"), PolicyTextError::Characters),
        (format!("{whole}quorum G\n"), PolicyTextError::Line(6)),
        (format!("log {second}\n{whole}"), PolicyTextError::Line(2)),
        (format!("{base}group G 1\nquorum A\n"), PolicyTextError::Line(4)),
        (format!("{base}group G 1 A\ngroup H 1 G\nquorum H\n"), PolicyTextError::Line(5)),
        (format!("{base}unknown\n"), PolicyTextError::Line(4)),
        (format!("{base}quorum C\n"), PolicyTextError::Name(4)),
        (format!("{base}witness A {b}\n"), PolicyTextError::Name(4)),
        (format!("{base}witness none {b}\n"), PolicyTextError::Name(4)),
        (format!("{base}group A 1 B\n"), PolicyTextError::Name(4)),
        (format!("{base}group G 1 none\n"), PolicyTextError::Name(4)),
        (format!("{base}group G 2 A A\n"), PolicyTextError::Name(4)),
        (format!("quorum G\n{whole}"), PolicyTextError::Name(1)),
        (whole.replace("1 A B", "0 A B"), PolicyTextError::Threshold(4)),
        (whole.replace("1 A B", "3 A B"), PolicyTextError::Threshold(4)),
        (whole.replace("1 A B", "01 A B"), PolicyTextError::Threshold(4)),
        (whole.replace("1 A B", "some A B"), PolicyTextError::Threshold(4)),
        (base.clone(), PolicyTextError::Missing("quorum")),
        (format!("witness A {a}\nquorum A\n"), PolicyTextError::Missing("log")),
        (
            whole.replace(&b.to_string(), &a.to_string()),
            PolicyTextError::Policy(PolicyError::Twice(a.name().to_owned())),
        ),
        (
            whole.replace(&first.to_string(), &a.to_string()),
            PolicyTextError::Key { line: 1, source: KeyError::PublicKey },
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(text.parse::<LogPolicy>(), Err(expected), "{text}");
    }
    let long = format!("#{}\n{whole}", "x".repeat(MAX_POLICY_BYTES));
    assert!(matches!(long.parse::<LogPolicy>(), Err(PolicyTextError::TooLong(_))));
}
