//! The reference implementation of in-toto as judge: it accepts our layout and links as they lie in a
//! fetched directory, and refuses each tampered variant. `verify_links` refuses the same ones.

use std::{collections::BTreeMap, process::Command, time::SystemTime};

use anyhow::{Context as _, ensure};
use bom::TRAINING_STEP;
use e2e::{place, python, run};
use envelope::link::{link_file_name, sign_metadata, verify_links};
use evidence::SUBMIT_STEP;
use ids::Timestamp;
use keys::{PublicKey, SigningKey};
use serde_json::{Value, json};
use testkit::{evidence::Fixture, mesh::Mesh};

/// What lies in `signatures/`, to be spoiled.
#[derive(Clone)]
struct Signatures {
    /// By file name.
    links: BTreeMap<String, Vec<u8>>,
    layout: Vec<u8>,
    owner: PublicKey,
}

/// The good files, and the keys that signed them.
struct Made {
    good: Signatures,
    mesh: Mesh,
    submit: String,
    training: String,
    /// The submission of another job, by the same scheduler.
    other_submit: Vec<u8>,
}

impl Made {
    fn new() -> anyhow::Result<Self> {
        let now = Timestamp::from(SystemTime::now());
        let fixture = Fixture::signed_at(now);
        let evidence = fixture.verified();
        let aibom = bom::assemble(&evidence, &fixture.decision())?;
        let mesh = Mesh::new("mesh", now);
        let (platform, owner) = (mesh.platform_key(), mesh.layout_key());
        let layout = bom::layout(&evidence, &aibom, now, platform.public_key())?;
        let link = bom::training_link(&evidence, &aibom)?;
        let submit = link_file_name(SUBMIT_STEP, evidence.submitter());
        let training = link_file_name(TRAINING_STEP, platform.public_key());
        let links = [
            (submit.clone(), fixture.set().submission.envelope),
            (training.clone(), sign_metadata(&link, &platform)?),
        ];
        let good = Signatures {
            links: links.into(),
            layout: sign_metadata(&layout, &owner)?,
            owner: owner.public_key().clone(),
        };
        let other_submit = Fixture::signed_at(now).number(2).set().submission.envelope;
        Ok(Self { good, mesh, submit, training, other_submit })
    }

    /// A link's file, with its content changed and signed again by `key`.
    fn resigned(
        &self,
        name: &str,
        key: &dyn SigningKey,
        change: impl FnOnce(&mut Value),
    ) -> anyhow::Result<Vec<u8>> {
        signed_again(self.good.links.get(name).context("a link")?, key, change)
    }

    /// The names of the checks of ours that fail; links are found by their names, as the reference
    /// does.
    fn ours(&self, files: &Signatures, at: Timestamp) -> Vec<String> {
        let names = [&self.submit, &self.training];
        let links: Vec<&[u8]> =
            names.iter().filter_map(|n| files.links.get(*n).map(Vec::as_slice)).collect();
        let checks = verify_links(&links, &files.layout, &files.owner, at);
        checks.into_iter().filter(|check| !check.passed).map(|check| check.name).collect()
    }
}

/// The same file with its content changed and signed again.
fn signed_again(
    file: &[u8],
    key: &dyn SigningKey,
    change: impl FnOnce(&mut Value),
) -> anyhow::Result<Vec<u8>> {
    let mut file: Value = serde_json::from_slice(file)?;
    change(&mut file["signed"]);
    Ok(sign_metadata(&file["signed"], key)?)
}

/// The same file with its content changed and its signature as it was.
fn edited(file: &mut Vec<u8>, change: impl FnOnce(&mut Value)) -> anyhow::Result<()> {
    let mut value: Value = serde_json::from_slice(file)?;
    change(&mut value["signed"]);
    *file = serde_json::to_vec(&value)?;
    Ok(())
}

/// What `in-toto-verify` says of the files.
fn reference(files: &Signatures) -> anyhow::Result<run::Output> {
    let requirements = place::repository()?.join("e2e/in-toto/requirements.txt");
    let program = python::environment(&requirements)?.with_file_name("in-toto-verify");
    let folder = tempfile::tempdir()?;
    for (name, link) in &files.links {
        std::fs::write(folder.path().join(name), link)?;
    }
    let (layout, owner) =
        (folder.path().join("root.layout"), folder.path().join("layout-owner.pub"));
    std::fs::write(&layout, &files.layout)?;
    std::fs::write(&owner, files.owner.to_pem())?;
    let mut verify = Command::new(program);
    verify.arg("--layout").arg(&layout).arg("--verification-keys").arg(&owner);
    verify.arg("--link-dir").arg(folder.path()).current_dir(folder.path());
    run::output(&mut verify)
}

type Spoil = fn(&Made, &mut Signatures) -> anyhow::Result<()>;

/// What is changed, what the reference calls it, and the check of ours that fails first.
const VARIANTS: [(&str, Spoil, &str, &str); 16] = [
    (
        "an edited product",
        |made, files| {
            let link = files.links.get_mut(&made.training).context("a link")?;
            edited(link, |l| l["products"]["aibom.cdx.json"]["sha256"] = json!("00"))
        },
        "ThresholdVerificationError",
        "link.1.signature",
    ),
    (
        "an edited material",
        |made, files| {
            let link = files.links.get_mut(&made.training).context("a link")?;
            edited(link, |l| l["materials"]["trainer-image"]["sha256"] = json!("00"))
        },
        "ThresholdVerificationError",
        "link.1.signature",
    ),
    (
        "an edited submission",
        |made, files| {
            let link = files.links.get_mut(&made.submit).context("a link")?;
            edited(link, |l| l["products"]["trainer-image"]["sha256"] = json!("00"))
        },
        "ThresholdVerificationError",
        "link.0.signature",
    ),
    (
        "a submission by another key",
        |made, files| {
            let link = made.resigned(&made.submit, &made.mesh.executor.key, |_| ())?;
            files.links.insert(made.submit.clone(), link);
            Ok(())
        },
        "ThresholdVerificationError",
        "link.0.signature",
    ),
    (
        "a submission by another key, under its own name",
        |made, files| {
            let key = &made.mesh.executor.key;
            let link = made.resigned(&made.submit, key, |_| ())?;
            files.links.remove(&made.submit);
            files.links.insert(link_file_name(SUBMIT_STEP, key.public_key()), link);
            Ok(())
        },
        "LinkNotFoundError",
        "layout.steps",
    ),
    (
        "the submission of another job",
        |made, files| {
            files.links.insert(made.submit.clone(), made.other_submit.clone());
            Ok(())
        },
        "RuleVerificationError",
        "link.1.materials",
    ),
    (
        "no submission",
        |made, files| files.links.remove(&made.submit).map(drop).context("a link"),
        "LinkNotFoundError",
        "layout.steps",
    ),
    (
        "a renamed link",
        |made, files| {
            let link = files.links.remove(&made.training).context("a link")?;
            files.links.insert("run_training.00000000.link".to_owned(), link);
            Ok(())
        },
        "LinkNotFoundError",
        "layout.steps",
    ),
    (
        "an edited layout",
        |_, files| edited(&mut files.layout, |l| l["readme"] = json!("All is well.")),
        "SignatureVerificationError",
        "layout.signature",
    ),
    (
        "an opened layout",
        |_, files| {
            edited(&mut files.layout, |l| {
                l["steps"][1]["expected_products"] = json!([["ALLOW", "*"], ["DISALLOW", "*"]]);
            })
        },
        "SignatureVerificationError",
        "layout.signature",
    ),
    (
        "another owner",
        |made, files| {
            files.owner = made.mesh.root_key().public_key().clone();
            Ok(())
        },
        "SignatureVerificationError",
        "layout.signature",
    ),
    (
        "a layout by a functionary",
        |made, files| {
            files.layout = signed_again(&files.layout, &made.mesh.platform_key(), |_| ())?;
            Ok(())
        },
        "SignatureVerificationError",
        "layout.signature",
    ),
    (
        "an expired layout",
        |made, files| {
            files.layout = signed_again(&files.layout, &made.mesh.layout_key(), |l| {
                l["expires"] = json!("2020-01-01T00:00:00Z");
            })?;
            Ok(())
        },
        "LayoutExpiredError",
        "layout.expiry",
    ),
    (
        "an extra artifact",
        |made, files| {
            let link = made.resigned(&made.training, &made.mesh.platform_key(), |l| {
                l["products"]["artifacts/outputs/backdoor.so"] = json!({ "sha256": "00" });
            })?;
            files.links.insert(made.training.clone(), link);
            Ok(())
        },
        "RuleVerificationError",
        "link.1.products",
    ),
    (
        "a missing artifact",
        |made, files| {
            let link = made.resigned(&made.training, &made.mesh.platform_key(), |l| {
                let products = l["products"].as_object_mut();
                products.map(|all| all.remove("artifacts/outputs/model.keras"));
            })?;
            files.links.insert(made.training.clone(), link);
            Ok(())
        },
        "RuleVerificationError",
        "link.1.products",
    ),
    (
        "a training link by the layout's owner",
        |made, files| {
            let link = made.resigned(&made.training, &made.mesh.layout_key(), |_| ())?;
            files.links.insert(made.training.clone(), link);
            Ok(())
        },
        "ThresholdVerificationError",
        "link.1.signature",
    ),
];

#[test]
fn the_reference_implementation_accepts_ours_and_refuses_each_tampered_variant()
-> anyhow::Result<()> {
    let made = Made::new()?;
    let now = Timestamp::from(SystemTime::now());
    reference(&made.good)?.expect(0)?;
    ensure!(made.ours(&made.good, now).is_empty(), "{:?}", made.ours(&made.good, now));
    for (what, spoil, theirs, ours) in VARIANTS {
        let mut files = made.good.clone();
        spoil(&made, &mut files)?;
        let said = reference(&files)?.expect(1).with_context(|| what.to_owned())?;
        ensure!(said.stderr.contains(theirs), "{what}: no {theirs} in {}", said.stderr);
        let failures = made.ours(&files, now);
        ensure!(failures.first().is_some_and(|f| f == ours), "{what}: {failures:?}");
    }
    Ok(())
}
