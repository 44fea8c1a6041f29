//! A test mesh: a CA and one party for each role, with keys from a fixed seed.

use ::evidence::{
    Document, Environment, KeyEntry, KeyUse, TRUST_ROOT_SCHEMA, TrustRoot, WitnessEntry,
};
use envelope::Envelope;
use ids::{Role, Sha256Digest, SpiffeId, Timestamp};
use keys::{FileKey, SigningKey as _, ca};
use merkle::checkpoint::{CosignerKey, VerifierKey};
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use serde::Serialize;
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// The trust domain of every test mesh.
pub const TRUST_DOMAIN: &str = "mesh.test";

const DAY_MS: i64 = 24 * 3_600_000;

fn seed(of: &str) -> [u8; 32] {
    *Sha256Digest::of(of.as_bytes()).as_bytes()
}

/// A mesh CA whose root key is random and whose parties' keys are fixed.
pub struct Ca {
    label: String,
    now: Timestamp,
    root: ca::Issued,
    issuer: Issuer<'static, KeyPair>,
}

impl std::fmt::Debug for Ca {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ca").field("label", &self.label).finish_non_exhaustive()
    }
}

impl Ca {
    /// A CA that holds ten years around `now`; the keys of its parties depend on `label` alone.
    #[must_use]
    pub fn new(label: &str, now: Timestamp) -> Self {
        let begins = now.plus_ms(-DAY_MS);
        let root = ca::create_root(TRUST_DOMAIN, begins, 3_650 * DAY_MS, [7; 20]).unwrap();
        let key = KeyPair::from_pem(&root.key_pem).unwrap();
        let issuer = Issuer::from_ca_cert_pem(&root.certificate_pem, key).unwrap();
        Self { label: label.to_owned(), now, root, issuer }
    }

    /// The root certificate, DER.
    #[must_use]
    pub fn certificate_der(&self) -> Vec<u8> {
        self.root.certificate_der.clone()
    }

    /// The root certificate, PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.root.certificate_pem
    }

    /// A party of the test domain with a certificate that holds a day around now.
    #[must_use]
    pub fn party(&self, role: Role, name: &str) -> Party {
        self.party_of(&SpiffeId::new(TRUST_DOMAIN, role, name).unwrap(), |_| {})
    }

    /// A party of any id, with a certificate that `edit` may spoil.
    pub fn party_of(&self, id: &SpiffeId, edit: impl FnOnce(&mut CertificateParams)) -> Party {
        let key_pem = keys::generate_p256(&seed(&format!("{}:{id}", self.label))).unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, format!("{}/{}", id.role(), id.name()));
        params.subject_alt_names = vec![
            SanType::URI(id.to_string().as_str().try_into().unwrap()),
            SanType::DnsName("localhost".try_into().unwrap()),
            SanType::IpAddress(std::net::Ipv4Addr::LOCALHOST.into()),
        ];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.not_before = instant(self.now.plus_ms(-DAY_MS / 2));
        params.not_after = instant(self.now.plus_ms(DAY_MS / 2));
        params.use_authority_key_identifier_extension = true;
        edit(&mut params);
        let key = KeyPair::from_pem(&key_pem).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Party {
            id: id.clone(),
            key: FileKey::from_pem(&key_pem).unwrap(),
            key_pem,
            certificate_pem: certificate.pem(),
            certificate_der: certificate.der().to_vec(),
        }
    }
}

fn instant(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.unix_ms() / 1000).unwrap()
}

/// Somebody with a key and a certificate.
#[derive(Debug)]
pub struct Party {
    /// Who it is.
    pub id: SpiffeId,
    /// Its private key (P-256).
    pub key: FileKey,
    /// The private key, PKCS#8 PEM.
    pub key_pem: Zeroizing<String>,
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// The certificate, DER.
    pub certificate_der: Vec<u8>,
}

impl Party {
    /// Signs the canonical form of `payload` and adds the certificate.
    pub fn sign(&self, payload_type: &str, payload: &impl Serialize) -> Document {
        self.sign_bytes(payload_type, ids::canonical::to_vec(payload).unwrap())
    }

    /// Signs a link and adds the certificate.
    #[must_use]
    pub fn sign_link(&self, link: &serde_json::Value) -> Document {
        Document {
            envelope: envelope::link::sign_metadata(link, &self.key).unwrap(),
            certificates: vec![self.certificate_der.clone()],
        }
    }

    /// Signs any bytes, canonical or not.
    #[must_use]
    pub fn sign_bytes(&self, payload_type: &str, payload: Vec<u8>) -> Document {
        let envelope = Envelope::seal(payload_type, payload, &self.key).unwrap();
        Document {
            envelope: envelope.as_bytes().to_vec(),
            certificates: vec![self.certificate_der.clone()],
        }
    }
}

/// One party for each role that takes part in a job, and the platform's keys.
#[derive(Debug)]
pub struct Mesh {
    /// Who certified them.
    pub ca: Ca,
    /// `user/alice`.
    pub user: Party,
    /// `scheduler/main`.
    pub scheduler: Party,
    /// `executor/one`.
    pub executor: Party,
    /// `scanner/main`.
    pub scanner: Party,
    /// `signer/main`.
    pub signer: Party,
    /// `ledger/main`.
    pub ledger: Party,
    /// `verifier/main`.
    pub verifier: Party,
    /// `approver/bob`.
    pub approver: Party,
    label: String,
    now: Timestamp,
}

impl Mesh {
    /// A mesh whose keys depend on `label` alone and whose certificates hold around `now`.
    #[must_use]
    pub fn new(label: &str, now: Timestamp) -> Self {
        let ca = Ca::new(label, now);
        Self {
            user: ca.party(Role::User, "alice"),
            scheduler: ca.party(Role::Scheduler, "main"),
            executor: ca.party(Role::Executor, "one"),
            scanner: ca.party(Role::Scanner, "main"),
            signer: ca.party(Role::Signer, "main"),
            ledger: ca.party(Role::Ledger, "main"),
            verifier: ca.party(Role::Verifier, "main"),
            approver: ca.party(Role::Approver, "bob"),
            ca,
            label: label.to_owned(),
            now,
        }
    }

    /// The platform's signing key (Ed25519): a new copy of the same key.
    #[must_use]
    pub fn platform_key(&self) -> FileKey {
        FileKey::from_pem(&self.platform_key_pem()).unwrap()
    }

    /// The platform's signing key, PKCS#8 PEM.
    #[must_use]
    pub fn platform_key_pem(&self) -> Zeroizing<String> {
        keys::generate_ed25519(&seed(&format!("{}:platform", self.label))).unwrap()
    }

    /// The key for model signatures (P-256): a new copy of the same key.
    #[must_use]
    pub fn model_key(&self) -> FileKey {
        FileKey::from_pem(&self.model_key_pem()).unwrap()
    }

    fn model_key_pem(&self) -> Zeroizing<String> {
        keys::generate_p256(&seed(&format!("{}:model", self.label))).unwrap()
    }

    /// Name of the use and PKCS#8 PEM of each key that the signer has.
    #[must_use]
    pub fn signing_keys_pem(&self) -> [(&'static str, Zeroizing<String>); 3] {
        [
            ("aibom", self.platform_key_pem()),
            ("model", self.model_key_pem()),
            ("layout", self.layout_key_pem()),
        ]
    }

    /// The key that signs in-toto layouts (Ed25519): a new copy of the same key.
    #[must_use]
    pub fn layout_key(&self) -> FileKey {
        FileKey::from_pem(&self.layout_key_pem()).unwrap()
    }

    fn layout_key_pem(&self) -> Zeroizing<String> {
        keys::generate_ed25519(&seed(&format!("{}:layout", self.label))).unwrap()
    }

    /// The key that signs policies (Ed25519): a new copy of the same key.
    #[must_use]
    pub fn policy_key(&self) -> FileKey {
        FileKey::from_pem(&self.policy_key_pem()).unwrap()
    }

    /// The same as a file holds it.
    #[must_use]
    pub fn policy_key_pem(&self) -> String {
        keys::generate_ed25519(&seed(&format!("{}:policy", self.label))).unwrap().to_string()
    }

    /// The offline root key (Ed25519): a new copy of the same key.
    #[must_use]
    pub fn root_key(&self) -> FileKey {
        let pem = keys::generate_ed25519(&seed(&format!("{}:root", self.label))).unwrap();
        FileKey::from_pem(&pem).unwrap()
    }

    /// The ledger's checkpoint key (Ed25519).
    #[must_use]
    pub fn ledger_key(&self) -> ed25519_dalek::SigningKey {
        ed25519_dalek::SigningKey::from_bytes(&seed(&format!("{}:ledger", self.label)))
    }

    /// The name and public half of the ledger's checkpoint key.
    #[must_use]
    pub fn ledger_verifier_key(&self) -> VerifierKey {
        VerifierKey::new("ledger.mesh.test", self.ledger_key().verifying_key()).unwrap()
    }

    /// The key of the ledger's one witness (Ed25519).
    #[must_use]
    pub fn witness_key(&self) -> ed25519_dalek::SigningKey {
        ed25519_dalek::SigningKey::from_bytes(&seed(&format!("{}:witness", self.label)))
    }

    /// The name and public half of the witness' key.
    #[must_use]
    pub fn witness_cosigner_key(&self) -> CosignerKey {
        CosignerKey::new("witness.mesh.test", self.witness_key().verifying_key()).unwrap()
    }

    /// What a verifier of this mesh pins.
    #[must_use]
    pub fn trust_root(&self) -> TrustRoot {
        let entry = |usage, key: FileKey| KeyEntry {
            usage,
            public_key: key.public_key().to_pem(),
            valid_from: self.now.plus_ms(-DAY_MS),
            valid_until: self.now.plus_ms(365 * DAY_MS),
            revoked: None,
        };
        TrustRoot {
            schema: TRUST_ROOT_SCHEMA.to_owned(),
            version: 1,
            issued_at: self.now.plus_ms(-DAY_MS),
            trust_domain: TRUST_DOMAIN.to_owned(),
            environment: Environment::Test,
            root_keys: vec![self.root_key().public_key().to_pem()],
            mesh_ca: vec![self.ca.certificate_der()],
            signing_keys: vec![
                entry(KeyUse::Aibom, self.platform_key()),
                entry(KeyUse::Model, self.model_key()),
                entry(KeyUse::Layout, self.layout_key()),
                entry(KeyUse::Policy, self.policy_key()),
            ],
            ledger_key: self.ledger_verifier_key().to_string(),
            witnesses: vec![WitnessEntry {
                key: self.witness_cosigner_key().to_string(),
                retired_at: None,
            }],
            witness_quorum: 1,
            revoked_identities: Vec::new(),
        }
    }

    /// `root` as the file that verifiers pin, signed by this mesh's root key.
    #[must_use]
    pub fn seal_root(&self, root: &TrustRoot) -> Vec<u8> {
        root.seal(&self.root_key()).unwrap()
    }
}
