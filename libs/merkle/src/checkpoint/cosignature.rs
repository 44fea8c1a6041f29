//! Witnesses' cosignatures: timestamped Ed25519 over the checkpoint's text (C2SP tlog-cosignature,
//! "Ed25519 signed message").

use ed25519_dalek::{Signature, Signer as _, SigningKey};

use super::{
    Checkpoint, CheckpointError as Error, CosignerKey, SignedCheckpoint, note::signature_line,
};

/// What a witness signs: it saw, at that time, this tree as the largest consistent one of the log.
fn message(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// A witness' signature line for `checkpoint`, with its newline; `time` in seconds since the epoch.
///
/// The caller has checked that the log signed the checkpoint and that it extends every one that
/// was cosigned before.
///
/// # Errors
/// When the name is not a legal one, or the time is above 2^63 - 1.
pub fn cosign(
    checkpoint: &Checkpoint,
    key: &SigningKey,
    name: &str,
    time: u64,
) -> Result<String, Error> {
    let witness = CosignerKey::new(name, key.verifying_key()).map_err(|_| Error::KeyName)?;
    if i64::try_from(time).is_err() {
        return Err(Error::Time(time));
    }
    let signature = key.sign(message(time, &checkpoint.to_note_body()).as_bytes());
    let payload = [&witness.id()[..], &time.to_be_bytes(), &signature.to_bytes()].concat();
    Ok(signature_line(name, &payload))
}

impl SignedCheckpoint {
    /// When `key` cosigned this checkpoint, in seconds since the epoch; the last of its lines
    /// counts, and each must verify.
    ///
    /// # Errors
    /// When no line is the key's, or one of its lines does not verify.
    pub fn cosigned(&self, key: &CosignerKey) -> Result<u64, Error> {
        let refused = || Error::BadSignature(key.to_string());
        let mut last = None;
        for line in self.lines_of(key) {
            let (time, signature) = line.signature.split_first_chunk().ok_or_else(refused)?;
            let time = u64::from_be_bytes(*time);
            if i64::try_from(time).is_err() {
                return Err(Error::Time(time));
            }
            Signature::from_slice(signature)
                .and_then(|signature| {
                    let message = message(time, self.text());
                    key.public_key().verify_strict(message.as_bytes(), &signature)
                })
                .map_err(|_| refused())?;
            last = Some(time);
        }
        last.ok_or_else(|| Error::NotSigned(key.to_string()))
    }
}

#[cfg(test)]
mod tests;
