//! The keys in a token: which are there, and which may sign.

use cryptoki::{
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::Session,
};
use keys::{KeyId, PublicKey};

use crate::{Uri, module::CallError, point};

/// The most objects of a kind that are looked at.
pub(crate) const MAX_OBJECTS: usize = 1_024;
const KEY_TYPES: [KeyType; 2] = [KeyType::EC_EDWARDS, KeyType::EC];

/// A private key that may sign, with its public half.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) private: ObjectHandle,
    /// `CKA_ID`.
    id: Vec<u8>,
    pub(crate) public: PublicKey,
}

/// Why a key is not found.
#[derive(Debug)]
pub(crate) enum FindFailure {
    Call(CallError),
    Missing,
    /// It is there, and not kept as a signing key must be.
    Unfit(String),
}

impl From<CallError> for FindFailure {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

/// A public key object.
#[derive(Debug)]
pub(crate) struct PublicHalf {
    pub(crate) label: String,
    /// `CKA_ID`, which ties it to its private half.
    pub(crate) id: Vec<u8>,
    pub(crate) key: PublicKey,
}

fn search(session: &Session, template: &[Attribute]) -> Result<Vec<ObjectHandle>, CallError> {
    let mut handles = Vec::new();
    for handle in session.iter_objects(template)?.take(MAX_OBJECTS) {
        handles.push(handle?);
    }
    Ok(handles)
}

/// The attributes that a URI asks of objects.
fn wanted(uri: &Uri) -> Vec<Attribute> {
    let label = uri.object.iter().map(|label| Attribute::Label(label.clone().into_bytes()));
    let id = uri.id.iter().map(|id| Attribute::Id(id.clone()));
    label.chain(id).collect()
}

pub(crate) fn public_half(
    session: &Session,
    handle: ObjectHandle,
) -> Result<Option<PublicHalf>, CallError> {
    let (mut label, mut id, mut params, mut point) = (Vec::new(), Vec::new(), Vec::new(), None);
    let types =
        [AttributeType::Label, AttributeType::Id, AttributeType::EcParams, AttributeType::EcPoint];
    for attribute in session.get_attributes(handle, &types)? {
        match attribute {
            Attribute::Label(value) => label = value,
            Attribute::Id(value) => id = value,
            Attribute::EcParams(value) => params = value,
            Attribute::EcPoint(value) => point = Some(value),
            _ => {}
        }
    }
    let key = point.and_then(|point| point::public_key(&params, &point));
    let label = String::from_utf8_lossy(&label).into_owned();
    Ok(key.map(|key| PublicHalf { label, id, key }))
}

/// The public keys that fit `attributes`, of the kinds that we sign with.
pub(crate) fn public_halves(
    session: &Session,
    attributes: &[Attribute],
) -> Result<Vec<PublicHalf>, CallError> {
    let mut halves = Vec::new();
    for key_type in KEY_TYPES {
        let mut template =
            vec![Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::KeyType(key_type)];
        template.extend_from_slice(attributes);
        for handle in search(session, &template)? {
            halves.extend(public_half(session, handle)?);
        }
    }
    Ok(halves)
}

/// All public keys that the URI's `object` and `id` choose.
pub(crate) fn public_keys(session: &Session, uri: &Uri) -> Result<Vec<PublicHalf>, CallError> {
    public_halves(session, &wanted(uri))
}

/// The private key whose public half has that key id, when it is kept as it must be.
pub(crate) fn find(session: &Session, uri: &Uri, key_id: KeyId) -> Result<Found, FindFailure> {
    // Our own keys bear their key id; keys that others made are known by their public half only.
    let named = public_halves(session, &[Attribute::Id(key_id.as_bytes().to_vec())])?;
    let mut halves = named.into_iter().filter(|half| half.key.key_id() == key_id);
    let half = match halves.next() {
        Some(half) => half,
        None => {
            let all = public_halves(session, &[])?;
            if all.is_empty() {
                // So SoftHSM answers when its token was taken away while it was open.
                return Err(CallError::lost("it shows no keys: it is empty or gone").into());
            }
            all.into_iter().find(|half| half.key.key_id() == key_id).ok_or(FindFailure::Missing)?
        }
    };
    if half.id.is_empty() {
        let reason = "its public half has no CKA_ID, so its private half cannot be told: set one";
        return Err(FindFailure::Unfit(reason.to_owned()));
    }
    let mut template =
        vec![Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Id(half.id.clone())];
    template.extend(wanted(uri));
    match search(session, &template)?[..] {
        [] => Err(FindFailure::Missing),
        [private] => {
            check(session, private)?;
            Ok(Found { private, id: half.id, public: half.key })
        }
        _ => {
            let reason = "several private keys have its CKA_ID: give each its own";
            Err(FindFailure::Unfit(reason.to_owned()))
        }
    }
}

/// Whether the token still holds the key.
pub(crate) fn is_there(session: &Session, found: &Found) -> Result<bool, CallError> {
    let template = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Id(found.id.clone())];
    Ok(search(session, &template)?.contains(&found.private))
}

/// A key that could leave its token is no better than one in a file.
fn check(session: &Session, private: ObjectHandle) -> Result<(), FindFailure> {
    let types = [AttributeType::Sensitive, AttributeType::Extractable, AttributeType::Sign];
    let held = session.get_attributes(private, &types).map_err(CallError::from)?;
    let rules = [
        (Attribute::Sensitive(true), "CKA_SENSITIVE is not true: its value can be read"),
        (Attribute::Extractable(false), "CKA_EXTRACTABLE is not false: it can leave the token"),
        (Attribute::Sign(true), "CKA_SIGN is not true: it may not sign"),
    ];
    for (rule, broken) in rules {
        if !held.contains(&rule) {
            let reason = format!("{broken}; generate a new key inside the token");
            return Err(FindFailure::Unfit(reason));
        }
    }
    Ok(())
}
