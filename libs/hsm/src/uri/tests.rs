//! URIs that are taken, and URIs that are not.

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Uri, UriError> {
    text.parse()
}

#[test]
fn every_attribute_is_read() {
    let text = "pkcs11:token=The%20Mesh;manufacturer=Snake%20Oil,%20Inc.;serial=0a1;model=1.0;\
                object=platform;id=%69%95%3E%00;type=private;slot-id=0\
                ?module-path=/usr/lib/p11.so&pin-source=file:/run/pin";
    let uri = parse(text).unwrap();
    assert_eq!(uri.token.as_deref(), Some("The Mesh"));
    assert_eq!(uri.manufacturer.as_deref(), Some("Snake Oil, Inc."));
    assert_eq!(uri.id.as_deref(), Some(&[0x69, 0x95, 0x3e, 0][..]));
    assert_eq!(uri.object_type, Some(ObjectType::Private));
    assert_eq!(uri.slot_id, Some(0));
    assert_eq!(uri.module_path.as_deref(), Some(Path::new("/usr/lib/p11.so")));
    assert_eq!(uri.pin_source.as_deref(), Some(Path::new("/run/pin")));
    assert_eq!(parse(&uri.to_string()), Ok(uri));

    for source in ["/run/pin", "file:/run/pin", "file:///run/pin", "file:%2Frun%2Fpin"] {
        let uri = parse(&format!("pkcs11:?pin-source={source}")).unwrap();
        assert_eq!(uri.pin_source.as_deref(), Some(Path::new("/run/pin")), "{source}");
    }
    assert_eq!(parse("pkcs11:"), Ok(Uri::default()));
}

#[test]
fn what_is_no_uri_is_refused() {
    let value = |name| UriError::Value { name, reason: "" };
    let cases = [
        ("", UriError::Scheme),
        ("PKCS11:token=a", UriError::Scheme),
        ("file:/x", UriError::Scheme),
        ("pkcs11:token", UriError::Form),
        ("pkcs11:token=a;", UriError::Form),
        ("pkcs11:;token=a", UriError::Form),
        ("pkcs11:=a", UriError::Form),
        ("pkcs11:token=a?", UriError::Form),
        ("pkcs11:token=a?module-path=/m&", UriError::Form),
        ("pkcs11:token=a;token=a", UriError::Twice { name: "token" }),
        ("pkcs11:id=%00;id=%01", UriError::Twice { name: "id" }),
        ("pkcs11:?pin-source=/a&pin-source=/b", UriError::Twice { name: "pin-source" }),
        ("pkcs11:x-vendor=1", UriError::Unknown { name: String::new() }),
        ("pkcs11:Token=a", UriError::Unknown { name: String::new() }),
        ("pkcs11:library-version=3", UriError::Unknown { name: String::new() }),
        ("pkcs11:module-path=/m", UriError::Unknown { name: String::new() }),
        ("pkcs11:?token=a", UriError::Unknown { name: String::new() }),
        ("pkcs11:?module-name=x", UriError::Unknown { name: String::new() }),
        ("pkcs11:?pin-value=1234", UriError::PinValue),
        ("pkcs11:pin-value=1234", UriError::Unknown { name: String::new() }),
        ("pkcs11:token=", value("token")),
        ("pkcs11:token=a b", value("token")),
        ("pkcs11:token=a/b", value("token")),
        ("pkcs11:token=ä", value("token")),
        ("pkcs11:token=a%2", value("token")),
        ("pkcs11:token=a%", value("token")),
        ("pkcs11:token=a%+1", value("token")),
        ("pkcs11:token=%zz", value("token")),
        ("pkcs11:token=%ff", value("token")),
        ("pkcs11:token=%00", value("token")),
        ("pkcs11:token=a%0Ab", value("token")),
        ("pkcs11:type=key", value("type")),
        ("pkcs11:type=Private", value("type")),
        ("pkcs11:slot-id=", value("slot-id")),
        ("pkcs11:slot-id=+1", value("slot-id")),
        ("pkcs11:slot-id=01", value("slot-id")),
        ("pkcs11:slot-id=18446744073709551616", value("slot-id")),
        ("pkcs11:?module-path=lib.so", value("module-path")),
        ("pkcs11:?pin-source=pin", value("pin-source")),
        ("pkcs11:?pin-source=|/bin/pin", value("pin-source")),
        ("pkcs11:?pin-source=https://host/pin", value("pin-source")),
        ("pkcs11:?pin-source=file:pin", value("pin-source")),
        ("pkcs11:?pin-source=file://host/pin", value("pin-source")),
        ("pkcs11:?pin-source=file:/a%2520b", value("pin-source")),
    ];
    for (text, expected) in cases {
        let error = parse(text).unwrap_err();
        let same = match (&error, &expected) {
            (UriError::Value { name, .. }, UriError::Value { name: other, .. }) => name == other,
            _ => std::mem::discriminant(&error) == std::mem::discriminant(&expected),
        };
        assert!(same, "{text}: {error:?}");
    }
    let long = format!("pkcs11:token={}", "a".repeat(MAX_URI_BYTES));
    assert_eq!(parse(&long), Err(UriError::TooLong));
    let grows = format!("pkcs11:id={}", "a".repeat(MAX_URI_BYTES / 2));
    assert_eq!(parse(&grows), Err(UriError::TooLong));
}

#[test]
fn a_refusal_does_not_repeat_a_secret() {
    for text in [
        "pkcs11:token=a?pin-value=hunter2",
        "pkcs11:?hunter2",
        "pkcs11:hunter2",
        "pkcs11:?pin-source=hunter2",
    ] {
        let message = parse(text).unwrap_err().to_string();
        assert!(!message.contains("hunter2"), "{message}");
    }
}

fn text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[^\\p{Cc}]{1,24}")
}

fn path() -> impl Strategy<Value = Option<PathBuf>> {
    // A '%' in a file URI is ambiguous, and a plain path is what Display writes.
    proptest::option::of("/[^\\p{Cc}]{0,40}".prop_map(PathBuf::from))
}

prop_compose! {
    fn uri()(
        texts in [text(), text(), text(), text(), text()],
        id in proptest::option::of(proptest::collection::vec(any::<u8>(), 1..40)),
        object_type in proptest::option::of(0..5_usize),
        slot_id in any::<Option<u64>>(),
        module_path in path(),
        pin_source in path(),
    ) -> Uri {
        let [token, manufacturer, serial, model, object] = texts;
        let object_type = object_type.map(|index| ObjectType::NAMES[index].0);
        Uri {
            token, manufacturer, serial, model, object, id, object_type, slot_id, module_path,
            pin_source,
        }
    }
}

proptest! {
    #[test]
    fn what_is_shown_reads_back(uri in uri()) {
        let text = uri.to_string();
        prop_assert!(text.is_ascii());
        prop_assert_eq!(text.parse::<Uri>(), Ok(uri));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "(pkcs11:)?[ -~é]{0,80}") {
        if let Ok(uri) = text.parse::<Uri>() {
            prop_assert_eq!(uri.to_string().parse::<Uri>(), Ok(uri));
        }
    }
}
