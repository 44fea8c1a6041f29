//! Lists of labelled values, each with the mark of who says it.

use super::badge::{self, badges};
use super::view::Place;
use super::write::{Html, grouped};

/// A list of labelled values.
pub(super) fn facts(h: &mut Html, rows: impl FnOnce(&mut Html)) {
    h.el("dl", &[("class", "facts")], rows);
}

/// One value as it stands; nothing when there is none.
pub(super) fn fact(h: &mut Html, label: &str, place: Option<Place<'_>>) {
    let Some(place) = place else { return };
    let text = place.show();
    if is_for_machines(&text) {
        code(h, label, Some(place));
    } else {
        told(h, label, &grouped(&text), &[place]);
    }
}

/// Whether `text` is a digest or another name that is read letter by letter.
fn is_for_machines(text: &str) -> bool {
    let is_hex = text.len() >= 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_hex || ["sha256:", "pkg:", "spiffe://"].iter().any(|scheme| text.starts_with(scheme))
}

/// One value that is a digest, a name for machines, or a command.
pub(super) fn code(h: &mut Html, label: &str, place: Option<Place<'_>>) {
    if let Some(place) = place {
        row(h, label, std::slice::from_ref(&place), |h| h.leaf("code", "", &place.show()));
    }
}

/// `text`, which was made of the values at `places`; nothing when it is empty.
pub(super) fn told(h: &mut Html, label: &str, text: &str, places: &[Place<'_>]) {
    if !text.is_empty() {
        row(h, label, places, |h| h.text(text));
    }
}

/// A value that is a web address, when there is one.
pub(super) fn address(h: &mut Html, label: &str, place: Option<Place<'_>>) {
    if let Some(place) = place {
        let text = place.show();
        row(h, label, &[place], |h| h.link(&text, &text));
    }
}

/// Several texts as a list; nothing when there are none.
pub(super) fn texts(h: &mut Html, label: &str, places: &[Place<'_>]) {
    match places {
        [] => {}
        [one] => fact(h, label, Some(one.clone())),
        many => row(h, label, many, |h| {
            h.el("ul", &[], |h| many.iter().for_each(|place| h.leaf("li", "", &place.show())));
        }),
    }
}

/// The digests of `component`.
pub(super) fn hashes(h: &mut Html, component: &Place<'_>) {
    for hash in component.items("/hashes") {
        code(h, hash.text("/alg"), hash.at("/content"));
    }
}

fn row(h: &mut Html, label: &str, places: &[Place<'_>], value: impl FnOnce(&mut Html)) {
    h.el("div", &[], |h| {
        h.leaf("dt", "", label);
        h.el("dd", &[], |h| {
            h.el("span", &[("class", "value")], value);
            badges(h, &badge::from(places));
        });
    });
}
