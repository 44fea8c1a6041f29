//! Model signatures beside OpenSSF's own `model_signing`: it accepts ours and refuses every changed
//! one, ours verifies what it made, and the traps that it falls into are refused. Needs no mesh.

mod fixture;

use std::{fs, os::unix::fs::symlink};

use anyhow::ensure;
use fixture::{Fixture, METHODS, Method, TAMPERED};

#[test]
fn model_signing_accepts_ours_and_refuses_every_changed_one() -> anyhow::Result<()> {
    let fixture = Fixture::new()?;
    for method in METHODS {
        let model = fixture.model()?;
        fixture.sign(method, &model)?.expect(0)?;
        fixture.theirs_verify(method, &model)?.expect(0)?;
        fixture.verify(method, &model)?.expect(0)?;
        for (what, change) in TAMPERED {
            let changed = model.copy()?;
            change(&changed)?;
            let theirs = fixture.theirs_verify(method, &changed)?;
            ensure!(!theirs.is(0), "model_signing accepts {what} ({method:?}): {theirs:?}");
            let ours = fixture.verify(method, &changed)?;
            ensure!(ours.is(1), "aibom does not refuse {what} ({method:?}): {ours:?}");
        }
        let theirs = fixture.other()?.theirs_verify(method, &model)?;
        ensure!(!theirs.is(0), "model_signing accepts another key ({method:?})");
    }
    Ok(())
}

#[test]
fn ours_verifies_what_model_signing_made_and_refuses_every_changed_one() -> anyhow::Result<()> {
    let fixture = Fixture::new()?;
    for method in METHODS {
        let model = fixture.model()?;
        fixture.theirs_sign(method, &model, &[])?.expect(0)?;
        fixture.verify(method, &model)?.expect(0)?;
        for (what, change) in TAMPERED {
            let changed = model.copy()?;
            change(&changed)?;
            let ours = fixture.verify(method, &changed)?;
            ensure!(ours.is(1), "aibom does not refuse {what} ({method:?}): {ours:?}");
        }
        let other = fixture.other()?.verify(method, &model)?;
        ensure!(other.is(1), "aibom accepts another key ({method:?}): {other:?}");
    }
    Ok(())
}

/// What model_signing passes over in silence, and what it says when asked afterwards.
#[test]
fn what_model_signing_passes_over_is_refused_and_named() -> anyhow::Result<()> {
    let fixture = Fixture::new()?;
    let method = Method::Key;

    // A file that the signer left out, by a name of git's or by --ignore-paths.
    let model = fixture.model()?;
    fs::create_dir(model.path(".git"))?;
    fs::write(model.path(".git/config"), "before")?;
    let left_out = model.path("weights");
    fixture.theirs_sign(method, &model, &["--ignore-paths".into(), left_out.into()])?.expect(0)?;
    fs::write(model.path(".git/config"), "after")?;
    fs::write(model.path("weights/new.py"), "import os")?;
    fixture.theirs_verify(method, &model)?.expect(0)?;
    let refused = fixture.verify_with(method, &model, &["--format", "json"])?.expect(1)?.json()?;
    let ignored = refused["ignored"].to_string();
    for name in [".git/config", "weights/a.bin", "weights/new.py"] {
        ensure!(ignored.contains(name), "{name} is not named: {refused}");
    }
    let allowed = fixture.verify_with(method, &model, &["--allow-ignored"])?.expect(0)?;
    ensure!(allowed.stdout.contains("not looked at: .git, weights"), "{allowed:?}");

    // A link to a directory, which is neither hashed nor reported when the link may be there.
    let model = fixture.model()?;
    fixture.theirs_sign(method, &model, &[])?.expect(0)?;
    symlink("weights", model.path("more"))?;
    let refused = fixture.verify(method, &model)?.expect(1)?;
    ensure!(refused.stdout.contains("more (a symbolic link"), "{refused:?}");
    let refused = fixture.sign(method, &model)?.expect(1)?;
    ensure!(refused.stderr.contains("more (a symbolic link"), "{refused:?}");
    Ok(())
}

#[test]
fn a_certificate_holds_in_its_time_for_its_name_under_its_root() -> anyhow::Result<()> {
    let fixture = Fixture::expired()?;
    let (method, model) = (Method::Certificate, fixture.model()?);
    fixture.theirs_sign(method, &model, &[])?.expect(0)?;
    // The trap: nobody asks whether the certificate is still valid.
    fixture.theirs_verify(method, &model)?.expect(0)?;
    let refused = fixture.verify(method, &model)?.expect(1)?;
    ensure!(refused.stdout.contains("is valid from 2020-01-01"), "{refused:?}");
    fixture.verify_with(method, &model, &["--at", "2020-06-30T00:00:00Z"])?.expect(0)?;
    let refused = fixture.sign(method, &model)?.expect(2)?;
    ensure!(refused.stderr.contains("is valid from 2020-01-01"), "{refused:?}");

    let fixture = Fixture::new()?;
    fixture.sign(method, &model)?.expect(0)?;
    fixture.verify_with(method, &model, &["--identity", "ada@example.org"])?.expect(0)?;
    fixture.verify_with(method, &model, &["--identity", "eve@example.org"])?.expect(1)?;
    fixture.verify(Method::Key, &model)?.expect(1)?;
    Ok(())
}

#[test]
fn the_conformance_adapter_ends_with_zero_or_one() -> anyhow::Result<()> {
    let fixture = Fixture::new()?;
    for method in METHODS {
        let model = fixture.model()?;
        fixture.adapter("sign-model", method, &model, &[])?.expect(0)?;
        fixture.adapter("verify-model", method, &model, &[])?.expect(0)?;
        fixture.theirs_verify(method, &model)?.expect(0)?;
        fs::write(model.path("new"), "x")?;
        fixture.adapter("verify-model", method, &model, &[])?.expect(1)?;
        fixture.adapter("verify-model", method, &model, &["--ignore-unsigned-files"])?.expect(0)?;
        fixture.adapter("verify-model", method, &model, &["--ignore-paths", "new"])?.expect(0)?;
        fs::write(model.path("readme"), "changed")?;
        fixture.adapter("verify-model", method, &model, &["--ignore-unsigned-files"])?.expect(1)?;
    }
    let model = fixture.model()?;
    fixture
        .adapter("sign-model", Method::Key, &model, &["--ignore-paths", "weights"])?
        .expect(0)?;
    fixture.adapter("verify-model", Method::Key, &model, &[])?.expect(0)?;
    fixture
        .adapter("sign-model", Method::Key, &model, &["--hash-algorithm", "blake2b"])?
        .expect(1)?;
    fixture.adapter("sign-model", Method::Key, &model, &["--unknown", "x"])?.expect(1)?;
    fixture.adapter("dance", Method::Key, &model, &[])?.expect(1)?;
    Ok(())
}

/// Shards are not on model_signing's command line; its library makes and reads them.
#[test]
fn shards_are_cut_as_model_signing_cuts_them() -> anyhow::Result<()> {
    let fixture = Fixture::new()?;
    let model = fixture.model()?;
    fs::write(model.path("large"), vec![7; 2_500_000])?;
    fixture.theirs_shards(&model, 1 << 20)?.expect(0)?;
    fixture.verify(Method::Key, &model)?.expect(0)?;
    fixture.sign_with(Method::Key, &model, &["--shards", "1048576"])?.expect(0)?;
    fixture.theirs_verify_shards(&model, 1 << 20)?.expect(0)?;
    fixture.verify(Method::Key, &model)?.expect(0)?;
    let mut bytes = fs::read(model.path("large"))?;
    bytes[2_000_000] = 8;
    fs::write(model.path("large"), bytes)?;
    let refused = fixture.verify(Method::Key, &model)?.expect(1)?;
    ensure!(refused.stdout.contains("large:1048576:2097152"), "{refused:?}");
    Ok(())
}

#[test]
fn ours_verifies_what_model_signing_signed_in_a_token() -> anyhow::Result<()> {
    let fixture = Fixture::new()?;
    let model = fixture.model()?;
    fixture.theirs_sign_in_token(&model)?.expect(0)?;
    fixture.verify(Method::Key, &model)?.expect(0)?;
    fs::write(model.path("readme"), "changed")?;
    fixture.verify(Method::Key, &model)?.expect(1)?;
    Ok(())
}
