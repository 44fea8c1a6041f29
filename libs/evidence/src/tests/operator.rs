//! The operator: each member outside its bound is named with its value.

use crate::Operator;

fn operator() -> Operator {
    Operator {
        name: "Example e. V.".into(),
        url: Some("https://example.org".into()),
        email: Some("aibom+mesh@example.org".into()),
        security_policy: Some("https://example.org/.well-known/security.txt".into()),
    }
}

#[test]
fn a_whole_operator_and_a_name_alone_pass() {
    assert_eq!(operator().validate(), Ok(()));
    let name = Operator { name: "n".into(), ..Operator::default() };
    assert_eq!(name.validate(), Ok(()));
}

#[test]
fn each_member_outside_its_bound_is_named() {
    type Change = fn(&mut Operator);
    let rows: [(&str, Change); 14] = [
        ("name", |o| o.name.clear()),
        ("name", |o| o.name = "n".repeat(257)),
        ("name", |o| o.name.push('\n')),
        ("url", |o| o.url = Some("example.org".into())),
        ("url", |o| o.url = Some(String::new())),
        ("email", |o| o.email = Some("example.org".into())),
        ("email", |o| o.email = Some("@example.org".into())),
        ("email", |o| o.email = Some("a@".into())),
        ("email", |o| o.email = Some("a@b@c".into())),
        ("email", |o| o.email = Some("a..b@example.org".into())),
        ("email", |o| o.email = Some("a b@example.org".into())),
        ("email", |o| o.email = Some("a@-example.org".into())),
        ("email", |o| o.email = Some(format!("{}@example.org", "a".repeat(243)))),
        ("security_policy", |o| o.security_policy = Some("mailto:a@example.org".into())),
    ];
    for (row, (key, change)) in rows.into_iter().enumerate() {
        let mut operator = operator();
        change(&mut operator);
        assert_eq!(operator.validate().map_err(|e| e.key), Err(key), "row {row}");
    }
    let named = Operator { email: Some("nobody".into()), ..operator() }.validate().unwrap_err();
    assert_eq!(named.to_string(), "operator.email is \"nobody\": must be a mail address");
}
