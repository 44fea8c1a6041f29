//! PKCS#11 URIs (RFC 7512): which module, which token, which key, and where its PIN is.

mod percent;

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// The longest URI, in bytes.
pub const MAX_URI_BYTES: usize = 4 * 1024;
const SCHEME: &str = "pkcs11:";

/// Why a text is no PKCS#11 URI that we take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// It is too long.
    #[error("the PKCS#11 URI is longer than {MAX_URI_BYTES} bytes")]
    TooLong,
    /// It does not begin as such a URI does.
    #[error("a PKCS#11 URI begins with '{SCHEME}', such as 'pkcs11:token=mesh?module-path=…'")]
    Scheme,
    /// A part is not `name=value`. It is not repeated, as it may be a mistyped PIN.
    #[error("the PKCS#11 URI has a part that is not 'name=value'")]
    Form,
    /// An attribute that we do not know, a vendor's among them: ignoring it could widen the choice.
    #[error("the PKCS#11 URI has an attribute {name:?}, which is not supported: remove it")]
    Unknown {
        /// Its name.
        name: String,
    },
    /// An attribute comes twice.
    #[error("the PKCS#11 URI has the attribute {name} twice")]
    Twice {
        /// Its name.
        name: &'static str,
    },
    /// An attribute's value is not what its kind takes.
    #[error("the PKCS#11 URI's {name} is not valid: {reason}")]
    Value {
        /// Its name.
        name: &'static str,
        /// What it should be.
        reason: &'static str,
    },
    /// The PIN itself is in the URI.
    #[error(
        "the PKCS#11 URI has a pin-value: secrets do not belong on command lines or in \
         configuration; write the PIN to a file of mode 0600 and name it with pin-source"
    )]
    PinValue,
}

/// What the `type` attribute says an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectType {
    /// A private key.
    Private,
    /// A public key.
    Public,
    /// A certificate.
    Cert,
    /// A secret key.
    SecretKey,
    /// Any other data.
    Data,
}

impl ObjectType {
    const NAMES: [(Self, &'static str); 5] = [
        (Self::Private, "private"),
        (Self::Public, "public"),
        (Self::Cert, "cert"),
        (Self::SecretKey, "secret-key"),
        (Self::Data, "data"),
    ];
}

/// A PKCS#11 URI. It never holds a secret, so it may be shown and logged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uri {
    /// The token's label.
    pub token: Option<String>,
    /// The token's manufacturer.
    pub manufacturer: Option<String>,
    /// The token's serial number.
    pub serial: Option<String>,
    /// The token's model.
    pub model: Option<String>,
    /// The number of the slot that the token is in.
    pub slot_id: Option<u64>,
    /// The objects' label (`CKA_LABEL`).
    pub object: Option<String>,
    /// The objects' id (`CKA_ID`).
    pub id: Option<Vec<u8>>,
    /// What the objects are.
    pub object_type: Option<ObjectType>,
    /// The PKCS#11 module, an absolute path.
    pub module_path: Option<PathBuf>,
    /// The file that holds the user's PIN, an absolute path.
    pub pin_source: Option<PathBuf>,
}

impl FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        if text.len() > MAX_URI_BYTES {
            return Err(UriError::TooLong);
        }
        let rest = text.strip_prefix(SCHEME).ok_or(UriError::Scheme)?;
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let mut uri = Self::default();
        if !path.is_empty() {
            for part in path.split(';') {
                let (name, value) = pair(part)?;
                uri.set_path_attribute(name, value)?;
            }
        }
        for part in query.into_iter().flat_map(|query| query.split('&')) {
            let (name, value) = pair(part)?;
            uri.set_query_attribute(name, value)?;
        }
        // Our own spelling may be longer, and must read back too.
        if uri.to_string().len() > MAX_URI_BYTES { Err(UriError::TooLong) } else { Ok(uri) }
    }
}

fn pair(part: &str) -> Result<(&str, &str), UriError> {
    part.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or(UriError::Form)
}

fn set<T>(slot: &mut Option<T>, name: &'static str, value: T) -> Result<(), UriError> {
    if slot.is_some() {
        return Err(UriError::Twice { name });
    }
    *slot = Some(value);
    Ok(())
}

impl Uri {
    fn set_path_attribute(&mut self, name: &str, value: &str) -> Result<(), UriError> {
        let decode = |name, value| percent::decode_text(name, value, percent::PATH);
        match name {
            "token" => set(&mut self.token, "token", decode("token", value)?),
            "manufacturer" => {
                set(&mut self.manufacturer, "manufacturer", decode("manufacturer", value)?)
            }
            "serial" => set(&mut self.serial, "serial", decode("serial", value)?),
            "model" => set(&mut self.model, "model", decode("model", value)?),
            "object" => set(&mut self.object, "object", decode("object", value)?),
            "id" => set(&mut self.id, "id", percent::decode("id", value, percent::PATH)?),
            "slot-id" => set(&mut self.slot_id, "slot-id", slot_id(value)?),
            "type" => {
                let found = ObjectType::NAMES.into_iter().find(|(_, name)| *name == value);
                let reason = "it is private, public, cert, secret-key or data";
                let (object_type, _) = found.ok_or(UriError::Value { name: "type", reason })?;
                set(&mut self.object_type, "type", object_type)
            }
            _ => Err(UriError::Unknown { name: shown_name(name) }),
        }
    }

    fn set_query_attribute(&mut self, name: &str, value: &str) -> Result<(), UriError> {
        let decode = |name, value| percent::decode_text(name, value, percent::QUERY);
        match name {
            "module-path" => {
                let path = absolute("module-path", &decode("module-path", value)?)?;
                set(&mut self.module_path, "module-path", path)
            }
            "pin-source" => {
                let path = pin_path(&decode("pin-source", value)?)?;
                set(&mut self.pin_source, "pin-source", path)
            }
            "pin-value" => Err(UriError::PinValue),
            _ => Err(UriError::Unknown { name: shown_name(name) }),
        }
    }
}

fn shown_name(name: &str) -> String {
    name.chars().take(32).collect()
}

fn slot_id(value: &str) -> Result<u64, UriError> {
    let plain = value == "0" || !value.starts_with('0');
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let reason = "it is a decimal number";
    value
        .parse()
        .ok()
        .filter(|_| plain && digits)
        .ok_or(UriError::Value { name: "slot-id", reason })
}

fn absolute(name: &'static str, text: &str) -> Result<PathBuf, UriError> {
    let path = Path::new(text);
    if path.is_absolute() {
        Ok(path.to_owned())
    } else {
        Err(UriError::Value { name, reason: "it is an absolute path" })
    }
}

/// `file:/path`, `file:///path` (RFC 8089) or a plain absolute path; no command, no other scheme.
fn pin_path(text: &str) -> Result<PathBuf, UriError> {
    let Some(rest) = text.strip_prefix("file:") else { return absolute("pin-source", text) };
    let path = rest.strip_prefix("//").unwrap_or(rest);
    // A mistyped second query would end up in the name of a file, and so in messages.
    if path.contains(['?', '#']) {
        let reason = "a file URI has no query: separate attributes by '&'";
        return Err(UriError::Value { name: "pin-source", reason });
    }
    if path.contains('%') {
        let reason = "its file URI is escaped twice: name the file by its plain path";
        return Err(UriError::Value { name: "pin-source", reason });
    }
    absolute("pin-source", path)
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut path = Vec::new();
        let texts = [
            ("token", &self.token),
            ("manufacturer", &self.manufacturer),
            ("serial", &self.serial),
            ("model", &self.model),
            ("object", &self.object),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                path.push(format!("{name}={}", percent::encode(value.as_bytes(), percent::PATH)));
            }
        }
        if let Some(id) = &self.id {
            path.push(format!("id={}", percent::encode_all(id)));
        }
        let types = ObjectType::NAMES.into_iter();
        for (_, name) in types.filter(|(kind, _)| Some(*kind) == self.object_type) {
            path.push(format!("type={name}"));
        }
        if let Some(slot_id) = self.slot_id {
            path.push(format!("slot-id={slot_id}"));
        }
        write!(f, "{SCHEME}{}", path.join(";"))?;
        let mut separator = '?';
        let paths = [("module-path", &self.module_path), ("pin-source", &self.pin_source)];
        for (name, value) in paths {
            if let Some(value) = value {
                let bytes = value.as_os_str().as_encoded_bytes();
                write!(f, "{separator}{name}={}", percent::encode(bytes, percent::QUERY))?;
                separator = '&';
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
